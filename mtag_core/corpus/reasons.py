"""Why documents are rejected: every reason, with a sentence for people and a way out."""

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
    "corrupt": "The compressed data, the Parquet file or its encoding is damaged from here on.",
    "unreadable": "The file cannot be opened or reading it failed.",
    "vanished": "The file was listed but is gone.",
    "changed": "The file's size or version is not the one that was planned; run again.",
    "tagging_failed": "Segmenting or tagging the document raised an error.",
}

REMEDIES = {
    "binary": "convert it to UTF-8, or leave it out of --input",
    "invalid_utf8": "convert it to UTF-8, such as with iconv -f LATIN1 -t UTF-8",
    "nul_character": "take the NULs out",
    "lone_surrogate": "repair the string",
    "document_too_large": "--document=line or paragraph makes smaller ones of plain text",
    "invalid_json": "--input_format=text reads it as plain text",
    "missing_field": "--text_field and --id_field name the fields, nested ones as outer.inner",
    "wrong_type": "--text_field and --id_field name the fields, nested ones as outer.inner",
    "invalid_conllu": "--input_format=text reads it as plain text",
    "invalid_xml": "--input_format=text reads it as plain text",
    "invalid_wikitext": "repair the page",
    "page_too_large": "leave the page out",
    "truncated": "fetch or make the file again",
    "corrupt": "fetch or make the file again; its name says how it is compressed",
    "unreadable": "see that the file may be read and that its server answers",
    "vanished": "run again",
    "changed": "run again",
    "tagging_failed": "report it, with its line in rejects/",
}
"""What a user can do about each reason."""
