"""Why documents are rejected: every reason, with a sentence for people."""

REASONS = {
    "binary": "The bytes are no text: they hold NULs and are not UTF-8, or are mostly controls.",
    "invalid_utf8": "The bytes are not UTF-8; the detail names the first bad byte.",
    "nul_character": "The text holds a NUL character.",
    "lone_surrogate": "A JSON string holds half of a surrogate pair, which no encoding can write.",
    "document_too_large": "The document is larger than the limit of bytes; it is named, not held.",
    "invalid_json": "The line is not JSON.",
    "missing_field": "The record lacks the text field or the id field.",
    "wrong_type": "The record is no object, or its text or id field has another type.",
    "invalid_conllu": "A sentence breaks CoNLL-U; the other sentences of its document are kept.",
    "invalid_xml": "The page, or the file, is not MediaWiki export XML, or declares entities.",
    "invalid_wikitext": "The page's wikitext is nested beyond reason.",
    "page_too_large": "The page's XML is larger than the limit.",
    "truncated": "The file ends in the middle; what came before is kept.",
    "corrupt": "The compressed data or the Parquet file is damaged from here on.",
    "unreadable": "The file cannot be opened or reading it failed.",
    "vanished": "The file was listed but is gone.",
    "changed": "The file's size or version is not the one that was planned; run again.",
    "tagging_failed": "Segmenting or tagging the document raised an error.",
}
