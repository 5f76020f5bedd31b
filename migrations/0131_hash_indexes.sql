-- Free text of a provider has no bound, a row of a B-tree index has one (2,704 bytes): a long receipt would park its key, and no retry
-- could help. A hash index takes any length. These are only ever asked for equality.
DO $$
DECLARE
  found record;
BEGIN
  FOR found IN
    SELECT i.indexname, i.tablename, substring(i.indexdef FROM '\(([a-z_]+)\) WHERE') AS col
      FROM pg_indexes i
      JOIN information_schema.columns c
        ON c.table_schema = i.schemaname AND c.table_name = i.tablename AND c.column_name = substring(i.indexdef FROM '\(([a-z_]+)\) WHERE')
     WHERE i.schemaname = current_schema() AND c.data_type = 'text'
       AND i.indexdef ~ 'USING btree \(([a-z_]+)\) WHERE \(\1 IS NOT NULL\)$'
     ORDER BY i.indexname
  LOOP
    EXECUTE format('DROP INDEX %I', found.indexname);
    EXECUTE format('CREATE INDEX %I ON %I USING hash (%I) WHERE %I IS NOT NULL', found.indexname, found.tablename, found.col, found.col);
  END LOOP;
END
$$;
