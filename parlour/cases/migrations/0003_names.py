"""Customers are found by the names and handles of their identities."""

from django.db import migrations

SQLITE = [
    """CREATE VIRTUAL TABLE name_search USING fts5(
        name, handle, content='customers_identity', content_rowid='id', tokenize='unicode61 remove_diacritics 2')""",
    "INSERT INTO name_search(rowid, name, handle) SELECT id, name, handle FROM customers_identity",
    """CREATE TRIGGER name_search_insert AFTER INSERT ON customers_identity BEGIN
        INSERT INTO name_search(rowid, name, handle) VALUES (new.id, new.name, new.handle); END""",
    """CREATE TRIGGER name_search_delete AFTER DELETE ON customers_identity BEGIN
        INSERT INTO name_search(name_search, rowid, name, handle) VALUES ('delete', old.id, old.name, old.handle); END""",
    """CREATE TRIGGER name_search_update AFTER UPDATE OF name, handle ON customers_identity
        WHEN old.name IS NOT new.name OR old.handle IS NOT new.handle BEGIN
        INSERT INTO name_search(name_search, rowid, name, handle) VALUES ('delete', old.id, old.name, old.handle);
        INSERT INTO name_search(rowid, name, handle) VALUES (new.id, new.name, new.handle); END""",
]
POSTGRESQL = ["CREATE INDEX name_search ON customers_identity USING gin (message_words(name || ' ' || handle))"]


def forwards(apps, schema_editor):
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement, params=None)


def backwards(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for name in ("insert", "delete", "update"):
            schema_editor.execute(f"DROP TRIGGER name_search_{name}")
        schema_editor.execute("DROP TABLE name_search")
    else:
        schema_editor.execute("DROP INDEX name_search")


class Migration(migrations.Migration):
    dependencies = [("cases", "0002_search"), ("customers", "0001_initial")]
    operations = [migrations.RunPython(forwards, backwards)]
