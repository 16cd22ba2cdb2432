-- A migration may only expand: what the version before uses stays, because both run at the same time during a
-- deployment. Postgres itself refuses everything else, whatever tool the migration is made with:
--
--   psql -f expand-only.sql      as a superuser, in the app's database; it may run again
--
-- Refused are, with the reason as the error: tables, views, columns, types, values of enums and functions that go or
-- get another name; columns that get another type, refuse NULL without a default, lose the default that they need,
-- or are new, refuse NULL and have none; constraints and unique indexes on tables that were there before. The
-- contracting part comes with a later version, once nobody uses what goes:
--
--   deploy.sh --contract VERSION      (for one session by hand: SET expand_only.contract = on)
--
-- Superusers are not asked. TRUNCATE, DELETE, GRANT and REVOKE are no changes of the schema, and are not seen.
CREATE SCHEMA IF NOT EXISTS expand_only;
REVOKE ALL ON SCHEMA expand_only FROM PUBLIC;
GRANT USAGE ON SCHEMA expand_only TO PUBLIC;

-- What a version may rely on: {"column public.videos.name": {"type": "text", …}, …}.
CREATE OR REPLACE FUNCTION expand_only.schema() RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  WITH spaces AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'expand_only')
  ), relations AS (
    SELECT c.oid, c.relkind, format('%I.%I', nspname, relname) AS name
    FROM pg_class c JOIN spaces s ON s.oid = c.relnamespace WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  ), parts (what, value) AS (
    SELECT 'table ' || name, jsonb_build_object('kind', relkind) FROM relations
    UNION ALL
    SELECT format('column %s.%I', name, attname), jsonb_build_object(
      'table', 'table ' || name, 'type', format_type(atttypid, atttypmod), 'number', attnum, 'required', attnotnull,
      'filled', atthasdef OR attidentity <> '' OR attgenerated <> '')
    FROM pg_attribute a JOIN relations r ON r.oid = a.attrelid WHERE attnum > 0 AND NOT attisdropped AND relkind <> 'S'
    UNION ALL
    SELECT format('constraint %s of %s', conname, name),
      jsonb_build_object('table', 'table ' || name, 'rule', pg_get_constraintdef(c.oid))
    FROM pg_constraint c JOIN relations r ON r.oid = c.conrelid WHERE contype <> 't'
    UNION ALL
    SELECT format('unique index %s of %s', i.indexrelid::regclass, name), jsonb_build_object('table', 'table ' || name)
    FROM pg_index i JOIN relations r ON r.oid = i.indrelid
    WHERE indisunique AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
    UNION ALL
    SELECT format('type %I.%I', nspname, typname), '{}' FROM pg_type t JOIN spaces s ON s.oid = t.typnamespace
    WHERE typtype IN ('e', 'd', 'r') OR (typtype = 'c' AND EXISTS (SELECT FROM pg_class WHERE oid = typrelid AND relkind = 'c'))
    UNION ALL
    SELECT format('value %L of %I.%I', enumlabel, nspname, typname), '{}'
    FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid JOIN spaces s ON s.oid = t.typnamespace
    UNION ALL
    SELECT format('function %I.%I(%s)', nspname, proname, pg_get_function_identity_arguments(p.oid)),
      jsonb_build_object('type', pg_get_function_result(p.oid))
    FROM pg_proc p JOIN spaces s ON s.oid = p.pronamespace
  )
  SELECT coalesce(jsonb_object_agg(what, value), '{}') FROM parts
$$;

-- What in `after` a version that was written for `before` may stumble over: one row each.
CREATE OR REPLACE FUNCTION expand_only.contractions(before jsonb, after jsonb) RETURNS TABLE (reason text)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
  SELECT what || CASE
    WHEN n IS NULL THEN ' is gone or has another name'
    WHEN n->>'number' <> o->>'number' THEN ' was made anew: what was in it is gone'
    WHEN n->>'type' <> o->>'type' THEN format(' has another type: %s instead of %s', n->>'type', o->>'type')
    WHEN (n->>'required')::bool AND NOT (n->>'filled')::bool THEN ' must be given now: NULL is refused and there is no default'
  END
  FROM (SELECT key AS what, value AS o, after->key AS n FROM jsonb_each(before)) AS old
  WHERE (n IS NULL AND what !~ '^(constraint|unique index) ')
    OR n->>'number' <> o->>'number' OR n->>'type' <> o->>'type'
    OR ((n->>'required')::bool AND NOT (n->>'filled')::bool AND (NOT (o->>'required')::bool OR (o->>'filled')::bool))
  UNION ALL
  SELECT what || CASE WHEN what LIKE 'column %' THEN ' must be given: NULL is refused and there is no default'
    ELSE ' refuses what was taken before' END
  FROM (SELECT key AS what, value AS n FROM jsonb_each(after) WHERE NOT before ? key OR value <> before->key) AS new
  WHERE before ? (n->>'table')
    AND ((what LIKE 'column %' AND NOT before ? what AND (n->>'required')::bool AND NOT (n->>'filled')::bool)
      OR (what ~ '^(constraint|unique index) '))
  ORDER BY 1
$$;

CREATE OR REPLACE FUNCTION expand_only.watched() RETURNS bool LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT NOT (current_setting('is_superuser')::bool OR coalesce(nullif(current_setting('expand_only.contract', true), '')::bool, false))
$$;

CREATE OR REPLACE FUNCTION expand_only.remember() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  IF expand_only.watched() THEN
    -- For the session: CREATE INDEX CONCURRENTLY ends the transaction that it began in.
    PERFORM set_config('expand_only.before', expand_only.schema()::text, false);
  END IF;
END $$;

CREATE OR REPLACE FUNCTION expand_only.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
  reasons text;
BEGIN
  IF NOT expand_only.watched() THEN
    RETURN;
  END IF;
  SELECT string_agg(reason, '; ') INTO reasons
  FROM expand_only.contractions(current_setting('expand_only.before')::jsonb, expand_only.schema());
  IF reasons IS NOT NULL THEN
    RAISE EXCEPTION '% contracts the schema: %', tg_tag, reasons
      USING HINT = 'The version before still runs. Expand now, contract with a later version: deploy.sh --contract.';
  END IF;
END $$;

DROP EVENT TRIGGER IF EXISTS expand_only_remember;
CREATE EVENT TRIGGER expand_only_remember ON ddl_command_start EXECUTE FUNCTION expand_only.remember();
DROP EVENT TRIGGER IF EXISTS expand_only_refuse;
CREATE EVENT TRIGGER expand_only_refuse ON ddl_command_end EXECUTE FUNCTION expand_only.refuse();
