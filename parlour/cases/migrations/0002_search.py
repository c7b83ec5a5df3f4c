"""The full-text index over messages, in the terms of each database."""

from django.db import migrations

SQLITE = [
    """CREATE VIRTUAL TABLE message_search USING fts5(
        text, content='cases_message', content_rowid='id', tokenize='unicode61 remove_diacritics 2')""",
    # Merge segments half as often as by default: commits on the road cost a fifth less, and searches have a few more to look at.
    "INSERT INTO message_search(message_search, rank) VALUES ('automerge', 8)",
    """CREATE TRIGGER message_search_insert AFTER INSERT ON cases_message BEGIN
        INSERT INTO message_search(rowid, text) VALUES (new.id, new.text); END""",
    """CREATE TRIGGER message_search_delete AFTER DELETE ON cases_message BEGIN
        INSERT INTO message_search(message_search, rowid, text) VALUES ('delete', old.id, old.text); END""",
    """CREATE TRIGGER message_search_update AFTER UPDATE OF text ON cases_message WHEN old.text IS NOT new.text BEGIN
        INSERT INTO message_search(message_search, rowid, text) VALUES ('delete', old.id, old.text);
        INSERT INTO message_search(rowid, text) VALUES (new.id, new.text); END""",
]
# Words without accents, parted by any ASCII punctuation: PostgreSQL's own parser would keep addresses, hyphens and signs together.
POSTGRESQL = [
    """CREATE FUNCTION message_words(text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT to_tsvector('simple', translate(normalize(regexp_replace(normalize(left($1, 10000), NFD), U&'[\\0300-\\036F]', '', 'g'), NFC),
            '!"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~', repeat(' ', 32))) $$""",
    "CREATE INDEX message_search ON cases_message USING gin (message_words(text))",
]


def forwards(apps, schema_editor):
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement, params=None)


def backwards(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for name in ("insert", "delete", "update"):
            schema_editor.execute(f"DROP TRIGGER message_search_{name}")
        schema_editor.execute("DROP TABLE message_search")
    else:
        schema_editor.execute("DROP INDEX message_search")
        schema_editor.execute("DROP FUNCTION message_words(text)")


class Migration(migrations.Migration):
    dependencies = [("cases", "0001_initial")]
    operations = [migrations.RunPython(forwards, backwards)]
