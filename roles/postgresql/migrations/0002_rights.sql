-- Whoever is not named here cannot even connect. The operator's measurements are made by a member of pg_monitor.
DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO biomax_app, biomax_migration, biomax_readonly, biomax_backup, pg_monitor',
        current_database()
    );
END
$$;

-- The application changes rows, never definitions.
GRANT SELECT, INSERT, UPDATE, DELETE ON checkpoints, users, user_credentials TO biomax_app;

-- Reports see everything but tokens, encrypted as they are.
GRANT SELECT ON checkpoints, users TO biomax_readonly;
GRANT SELECT (id, user_id, provider, expires_at, scopes, created_at) ON user_credentials TO biomax_readonly;

-- pgaudit logs each statement that this role would be allowed: whoever reads or changes personal data is on record.
GRANT SELECT, INSERT, UPDATE, DELETE ON users, user_credentials TO biomax_auditor;
