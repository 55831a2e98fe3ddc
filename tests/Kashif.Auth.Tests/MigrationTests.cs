using System.Net;
using Kashif.Auth.Data;
using Kashif.Auth.Users;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Kashif.Auth.Tests;

/// <summary>Migrations of a database with data.</summary>
public sealed class MigrationTests(AuthServers servers)
{
    private const string Previous = "20261121095715_UserSearch";
    private const string Citizen = "01900000-0000-7000-8000-000000000001";
    private const string Staff = "01900000-0000-7000-8000-000000000003";
    private const string Admin = "01900000-0000-7000-8000-000000000005";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OwnUserTables_keeps_users_roles_and_lockouts_up_and_down()
    {
        await using var auth = await servers.StartAsync(settings: [("Auth:Admin:Email", ""), ("Auth:Admin:Password", "")]);
        using var client = auth.Anonymous();
        var (email, user) = await client.RegisterAsync();
        await using var database = NpgsqlDataSource.Create(auth.Database);

        // Down: the registered user is in the former tables, as Identity would have written it.
        await MigrateAsync(auth.Services, Previous);
        (await ReadAsync($"""
            SELECT user_name = email AND normalized_user_name = normalized_email AND lockout_enabled AND concurrency_stamp IS NOT NULL
                AND NOT two_factor_enabled AND NOT phone_number_confirmed
            FROM users WHERE id = '{user.GetProperty("id").GetGuid()}'
            """)).ShouldBe("true");
        (await ReadAsync($"SELECT string_agg(name, ' ') FROM user_roles JOIN roles ON roles.id = role_id WHERE user_id = '{user.GetProperty("id").GetGuid()}'")).ShouldBe("citizen");
        (await ReadAsync("SELECT string_agg(name || ' ' || id || ' ' || normalized_name || ' ' || concurrency_stamp, ';' ORDER BY id) FROM roles")).ShouldBe(
            "citizen 01900000-0000-7000-8000-000000000001 CITIZEN 01900000-0000-7000-8000-000000000001;"
            + "partner 01900000-0000-7000-8000-000000000002 PARTNER 01900000-0000-7000-8000-000000000002;"
            + "staff 01900000-0000-7000-8000-000000000003 STAFF 01900000-0000-7000-8000-000000000003;"
            + "moderator 01900000-0000-7000-8000-000000000004 MODERATOR 01900000-0000-7000-8000-000000000004;"
            + "admin 01900000-0000-7000-8000-000000000005 ADMIN 01900000-0000-7000-8000-000000000005");

        // Up, with a locked admin, a disabled user with three roles, and one without any.
        await WriteAsync($"""
            INSERT INTO users (id, user_name, normalized_user_name, email, normalized_email, email_confirmed, password_hash, security_stamp, concurrency_stamp,
                phone_number, phone_number_confirmed, two_factor_enabled, lockout_end, lockout_enabled, access_failed_count, full_name, language, created_at, disabled_at)
            VALUES
                ('{Id(1)}', 'a@x.test', 'A@X.TEST', 'a@x.test', 'A@X.TEST', true, 'hash-a', 'stamp-a', 'c', '+961 1', false, false, '2030-01-02Z', true, 3, 'A', 'en', '2026-01-01Z', NULL),
                ('{Id(2)}', 'b@x.test', 'B@X.TEST', 'b@x.test', 'B@X.TEST', false, 'hash-b', 'stamp-b', 'c', NULL, false, false, NULL, true, 0, 'B', 'ar', '2026-01-01Z', '2026-02-01Z'),
                ('{Id(3)}', 'c@x.test', 'C@X.TEST', 'c@x.test', 'C@X.TEST', false, 'hash-c', 'stamp-c', 'c', NULL, false, false, NULL, true, 0, 'C', 'en', '2026-01-01Z', NULL);
            INSERT INTO user_roles (user_id, role_id) VALUES
                ('{Id(1)}', '{Admin}'), ('{Id(1)}', '{Citizen}'), ('{Id(2)}', '{Staff}'), ('{Id(2)}', '{Citizen}'), ('{Id(2)}', '{Admin}')
            """);
        await MigrateAsync(auth.Services, null);
        string[] users =
        [
            "a@x.test A@X.TEST true hash-a stamp-a +961 1 2030-01-02 3 A en - admin,citizen",
            "b@x.test B@X.TEST false hash-b stamp-b - - 0 B ar 2026-02-01 admin,citizen,staff",
            "c@x.test C@X.TEST false hash-c stamp-c - - 0 C en - -",
        ];
        (await UsersAsync("coalesce(nullif(array_to_string(roles, ','), ''), '-')")).ShouldBe(users);
        var tokens = await client.LoginAsync(email);
        using var me = await auth.With(tokens.Access).MeAsync();
        me.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await me.JsonAsync()).GetRawText().ShouldBe(user.GetRawText());

        // Down again: nothing is lost on the way back.
        await MigrateAsync(auth.Services, Previous);
        (await UsersAsync("coalesce((SELECT string_agg(name, ',' ORDER BY name) FROM user_roles JOIN roles ON roles.id = role_id WHERE user_id = users.id), '-')"))
            .ShouldBe(users);
        await MigrateAsync(auth.Services, null);
        (await UsersAsync("coalesce(nullif(array_to_string(roles, ','), ''), '-')")).ShouldBe(users);

        static string Id(int number) => $"01900000-0000-7000-9000-{number:D12}";

        async Task WriteAsync(string sql) => await database.CreateCommand(sql).ExecuteNonQueryAsync(Cancel);

        async Task<string?> ReadAsync(string sql) => (await database.CreateCommand($"SELECT ({sql})::text").ExecuteScalarAsync(Cancel))?.ToString();

        async Task<List<string>> UsersAsync(string roles)
        {
            var read = new List<string>();
            await using var reader = await database.CreateCommand($"""
                SELECT concat_ws(' ', email, normalized_email, email_confirmed::text, password_hash, security_stamp, coalesce(phone_number, '-'),
                    coalesce(to_char(lockout_end AT TIME ZONE 'UTC', 'YYYY-MM-DD'), '-'), access_failed_count, full_name, language,
                    coalesce(to_char(disabled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), '-'), {roles})
                FROM users WHERE email LIKE '%@x.test' ORDER BY email
                """).ExecuteReaderAsync(Cancel);
            while (await reader.ReadAsync(Cancel))
            {
                read.Add(reader.GetString(0));
            }

            return read;
        }
    }

    [Fact]
    public async Task AsciiDomains_gives_addresses_the_form_of_registration()
    {
        await using var auth = await servers.StartAsync(settings: [("Auth:Admin:Email", ""), ("Auth:Admin:Password", "")]);
        await using var database = NpgsqlDataSource.Create(auth.Database);
        await MigrateAsync(auth.Services, "AccountSecurity");
        string[] addresses = ["a@مثال.إختبار", "b@بلدية.test", "c@bücher-straße.example", "d@例え。テスト", "e@example.com", "f@a.ñandú.ελλάς.test"];

        // Clean leaves these alone, so the accounts log in with them as they are.
        string[] kept = ["h@exam\u200bple.com", "i@exam\u00adple.بلدية", $"j@{string.Concat(Enumerable.Repeat("بلدية", 12))}.com", "k@ex_ämple.com", "l@-bücher.com"];
        foreach (var email in addresses.Concat(kept).Concat(["g@مثال.إختبار", "g@xn--mgbh0fb.xn--kgbechtv"]))
        {
            await using var command = database.CreateCommand("""
                WITH account AS (
                    INSERT INTO users (id, email, normalized_email, email_confirmed, password_hash, security_stamp, access_failed_count, full_name, roles, language, created_at)
                    VALUES (gen_random_uuid(), $1, $2, false, 'hash', 'stamp', 0, 'A', '{citizen}', 'en', now()) RETURNING id)
                INSERT INTO email_tokens (hash, user_id, purpose, email, created_at, expires_at)
                SELECT sha256(convert_to($1, 'UTF8')), id, 'VerifyEmail', $1, now(), now() + interval '1 day' FROM account
                """);
            command.Parameters.Add(new NpgsqlParameter { Value = email });
            command.Parameters.Add(new NpgsqlParameter { Value = email.ToUpperInvariant() });
            await command.ExecuteNonQueryAsync(Cancel);
        }

        await MigrateAsync(auth.Services, null);

        var read = new List<string>();
        await using var reader = await database.CreateCommand("""
            SELECT users.email || ' ' || normalized_email || ' ' || email_tokens.email FROM users JOIN email_tokens ON user_id = users.id ORDER BY users.email
            """).ExecuteReaderAsync(Cancel);
        while (await reader.ReadAsync(Cancel))
        {
            read.Add(reader.GetString(0));
        }

        kept.ShouldAllBe(email => EmailAddress.Clean(email) == email);

        // The domain of the last one has an account already, so it stays as it was.
        read.ShouldBe([
            .. addresses.Concat(kept).Append("g@xn--mgbh0fb.xn--kgbechtv").Select(email => $"{EmailAddress.Clean(email)} {EmailAddress.Normalize(email)} {EmailAddress.Clean(email)}"),
            "g@مثال.إختبار G@مثال.إختبار g@مثال.إختبار",
        ], ignoreOrder: true);
    }

    private static async Task MigrateAsync(IServiceProvider services, string? target)
    {
        await using var scope = services.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<AuthDbContext>().GetService<IMigrator>().MigrateAsync(target, Cancel);
    }
}
