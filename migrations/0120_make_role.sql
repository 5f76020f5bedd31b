-- Makes a role without login and lets the current user take it. Roles belong to the whole cluster: another database may have made it, or
-- be making it right now. Used by the migrations that bring a new service.
CREATE FUNCTION dakia_make_role(wanted text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  -- Before Postgres 16 every membership lets its holder take the role.
  membership text := CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
  BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    END IF;
  EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
      RAISE EXCEPTION 'the role % does not exist and % may not create it', wanted, current_user
        USING HINT = format('As an administrator: CREATE ROLE %I NOLOGIN; GRANT %I TO %I;', wanted, wanted, current_user);
  END;
  BEGIN
    IF NOT pg_has_role(current_user, wanted, membership) THEN
      EXECUTE format('GRANT %I TO %I', wanted, current_user);
    END IF;
  EXCEPTION WHEN unique_violation THEN NULL;
  END;
END
$$;
REVOKE EXECUTE ON FUNCTION dakia_make_role(text) FROM PUBLIC;
