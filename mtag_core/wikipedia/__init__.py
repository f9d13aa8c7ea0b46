"""MediaWiki dumps: pages out of XML, plain text out of wikitext."""
