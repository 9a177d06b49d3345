-- The shop's own tables, and a role for each of its programs. The outbox is created by `pf outbox create`.
CREATE ROLE pf_writer LOGIN;
CREATE ROLE pf_relay LOGIN;
CREATE ROLE pf_handler LOGIN;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO pf_writer, pf_relay, pf_handler;

CREATE TABLE orders (
    id integer PRIMARY KEY,
    state text NOT NULL,
    total numeric(10, 2) NOT NULL
);
CREATE TABLE mails (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer text NOT NULL,
    text text NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON orders TO pf_writer;
GRANT INSERT ON mails TO pf_handler;
