"""E-mail: fetched by IMAP, sent by SMTP."""
