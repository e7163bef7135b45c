DROP TABLE content_revision;
DROP TABLE rule_content;
