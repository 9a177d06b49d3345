//! The tables and the function, and what a writer and a relay may do with them.

use crate::outbox::VERSION;

/// The tables. Rows are found by their identifiers, by the index of those to be published, and by the time of delayed ones.
/// A published row is deleted, or marked if it is kept; both indexes forget it at once.
const TABLES: &str = "\
CREATE TABLE IF NOT EXISTS {schema}.pf_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    key text,
    event text NOT NULL,
    due timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    parked_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    error text
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX IF NOT EXISTS pf_outbox_pending ON {schema}.pf_outbox (id)
    WHERE sent_at IS NULL AND parked_at IS NULL AND due IS NULL;
CREATE INDEX IF NOT EXISTS pf_outbox_due ON {schema}.pf_outbox (due, id)
    WHERE sent_at IS NULL AND parked_at IS NULL AND due IS NOT NULL;
CREATE TABLE IF NOT EXISTS {schema}.pf_outbox_lease (
    shard integer NOT NULL,
    shards integer NOT NULL,
    holder text NOT NULL,
    fence bigint NOT NULL,
    until timestamptz NOT NULL,
    rate double precision NOT NULL DEFAULT 0,
    PRIMARY KEY (shard, shards)
) WITH (fillfactor = 50);
CREATE TABLE IF NOT EXISTS {schema}.pf_outbox_meta (
    name text PRIMARY KEY,
    value text NOT NULL
);
INSERT INTO {schema}.pf_outbox_meta VALUES ('version', '{version}'), ('outbox', gen_random_uuid()::text)
    ON CONFLICT DO NOTHING;
";

/// The function for every language: one event, complete with its id, in the caller's transaction.
const FUNCTION: &str = "\
CREATE OR REPLACE FUNCTION {schema}.pf_emit(
    topic text, type text, source text, data jsonb DEFAULT NULL, key text DEFAULT NULL,
    subject text DEFAULT NULL, due timestamptz DEFAULT NULL, id text DEFAULT NULL, extensions jsonb DEFAULT NULL
) RETURNS text LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
    event_id text := coalesce(id, gen_random_uuid()::text);
    event jsonb := coalesce(extensions, '{}');
BEGIN
    IF coalesce(topic, '') = '' OR coalesce(type, '') = '' OR coalesce(source, '') = '' OR event_id = '' THEN
        RAISE EXCEPTION 'pf_emit: topic, type, source and id must not be empty' USING ERRCODE = '22023';
    END IF;
    event := event || jsonb_build_object('specversion', '1.0', 'id', event_id, 'source', source, 'type', type,
        'time', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'));
    IF subject IS NOT NULL THEN
        event := event || jsonb_build_object('subject', subject);
    END IF;
    IF data IS NOT NULL THEN
        event := event || jsonb_build_object('datacontenttype', 'application/json', 'data', data);
    END IF;
    INSERT INTO {schema}.pf_outbox (topic, key, event, due) VALUES (topic, coalesce(key, subject), event::text, due);
    RETURN event_id;
END
$body$;
REVOKE ALL ON FUNCTION {schema}.pf_emit(text, text, text, jsonb, text, text, timestamptz, text, jsonb) FROM PUBLIC;
";

/// The rights of a writer.
const WRITER: &str = "\
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT INSERT (topic, key, event, due) ON {schema}.pf_outbox TO {role};
GRANT EXECUTE ON FUNCTION {schema}.pf_emit(text, text, text, jsonb, text, text, timestamptz, text, jsonb) TO {role};
";

/// The rights of a relay.
const RELAY: &str = "\
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT, DELETE, UPDATE (sent_at, parked_at, attempts, error) ON {schema}.pf_outbox TO {role};
GRANT SELECT, INSERT, UPDATE ON {schema}.pf_outbox_lease TO {role};
GRANT SELECT ON {schema}.pf_outbox_meta TO {role};
";

/// The rights of an operator who looks at vacuum's obstacles.
const OPERATOR: &str = "\
-- To let `pf outbox status` name the transactions of other users:
-- GRANT pg_read_all_stats TO {role};
";

/// Quotes a name unless it is a plain one.
pub(super) fn quoted(name: &str) -> String {
    let is_plain = |name: &str| {
        let mut letters = name.chars();
        let first = letters
            .next()
            .is_some_and(|c| c.is_ascii_lowercase() || c == '_');
        first && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    if is_plain(name) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn filled(text: &str, schema: &str) -> String {
    let text = text.replace("{schema}", &quoted(schema));
    text.replace("{version}", &VERSION.to_string())
}

/// Returns the statements that create an outbox.
pub(super) fn create(schema: &str) -> String {
    filled(TABLES, schema) + &filled(FUNCTION, schema)
}

/// Returns the rights of a writer or of a relay.
pub(super) fn rights(schema: &str, relays: bool, role: &str) -> String {
    let rights = if relays { RELAY } else { WRITER };
    filled(rights, schema).replace("{role}", &quoted(role))
}

/// Returns all of it, for people.
pub(super) fn print(schema: &str) -> String {
    let operator = OPERATOR.replace("{role}", "pf_relay");
    format!(
        "BEGIN;\n{}COMMIT;\n\n-- A role that inserts events needs:\n{}\n-- A role that relays needs:\n{}{operator}",
        create(schema),
        rights(schema, false, "pf_writer"),
        rights(schema, true, "pf_relay"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_they_must_be() {
        assert_eq!(quoted("app_1"), "app_1");
        assert_eq!(quoted("App"), "\"App\"");
        assert_eq!(quoted("a\"; DROP"), "\"a\"\"; DROP\"");
        assert_eq!(quoted(""), "\"\"");
    }

    #[test]
    fn nothing_is_left_to_be_filled_in() {
        let text = print("shop");
        assert!(
            !text.contains("{schema}") && !text.contains("{role}") && !text.contains("{version}")
        );
        assert!(text.contains("SECURITY INVOKER SET search_path = pg_catalog, pg_temp"));
    }
}
