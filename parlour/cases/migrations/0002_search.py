"""The full-text index over messages, in the terms of each database."""

from django.db import migrations

SQLITE = [
    """CREATE VIRTUAL TABLE message_search USING fts5(
        text, content='cases_message', content_rowid='id', tokenize='unicode61 remove_diacritics 2')""",
    """CREATE TRIGGER message_search_insert AFTER INSERT ON cases_message BEGIN
        INSERT INTO message_search(rowid, text) VALUES (new.id, new.text); END""",
    """CREATE TRIGGER message_search_delete AFTER DELETE ON cases_message BEGIN
        INSERT INTO message_search(message_search, rowid, text) VALUES ('delete', old.id, old.text); END""",
    """CREATE TRIGGER message_search_update AFTER UPDATE OF text ON cases_message WHEN old.text IS NOT new.text BEGIN
        INSERT INTO message_search(message_search, rowid, text) VALUES ('delete', old.id, old.text);
        INSERT INTO message_search(rowid, text) VALUES (new.id, new.text); END""",
]
POSTGRESQL = ["CREATE INDEX message_search ON cases_message USING gin (to_tsvector('simple', left(text, 10000)))"]


def forwards(apps, schema_editor):
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement)


def backwards(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for name in ("insert", "delete", "update"):
            schema_editor.execute(f"DROP TRIGGER message_search_{name}")
        schema_editor.execute("DROP TABLE message_search")
    else:
        schema_editor.execute("DROP INDEX message_search")


class Migration(migrations.Migration):
    dependencies = [("cases", "0001_initial")]
    operations = [migrations.RunPython(forwards, backwards)]
