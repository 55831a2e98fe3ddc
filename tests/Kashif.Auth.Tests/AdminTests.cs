using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Auth.Users;
using Kashif.Messaging.Events;
using Kashif.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Kashif.Auth.Tests;

/// <summary>User administration and the audit log.</summary>
public sealed class AdminTests(AuthServers servers)
{
    private const string Base = "/api/v1/auth";
    private static readonly string[] Citizen = ["citizen"];
    private static readonly string[] Admin = ["admin", "citizen"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task User_search_matches_address_and_name_prefixes_in_any_case()
    {
        using var admin = await AdminAsync();
        using var anonymous = servers.Auth.Anonymous();
        var marker = $"{Guid.CreateVersion7():N}"[16..];
        string[] emails = [$"{marker}_a@people.test", $"{marker}%b@people.test", $"other.{marker}@people.test"];
        foreach (var (email, name) in emails.Zip(["Alia Nasser", "Basim Nasser", $"{marker} Çelik"]))
        {
            using var registered = await anonymous.TryRegisterAsync(new { email, password = AuthServers.GoodPassword, full_name = name });
            registered.StatusCode.ShouldBe(HttpStatusCode.Created);
        }

        (await SearchAsync(admin, marker.ToUpperInvariant())).Select(Email).ShouldBe(emails.Reverse());
        (await SearchAsync(admin, $"{marker}_")).Select(Email).ShouldBe([emails[0]]);
        (await SearchAsync(admin, $"{marker}%")).Select(Email).ShouldBe([emails[1]]);
        (await SearchAsync(admin, $"{marker} ç")).Select(Email).ShouldBe([emails[2]]);
        (await SearchAsync(admin, $"people.{marker}")).ShouldBeEmpty();

        static string? Email(JsonElement user) => user.GetProperty("email").GetString();
    }

    [Fact]
    public async Task User_search_finds_domains_of_other_scripts_by_whole_labels()
    {
        using var admin = await AdminAsync();
        using var anonymous = servers.Auth.Anonymous();
        var marker = $"{Guid.CreateVersion7():N}"[16..];
        foreach (var email in new[] { $"{marker}a@مثال.إختبار", $"{marker}b@people.test" })
        {
            using var registered = await anonymous.TryRegisterAsync(new { email, password = AuthServers.GoodPassword, full_name = "Lina" });
            registered.StatusCode.ShouldBe(HttpStatusCode.Created);
        }

        await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
        await using var former = database.CreateCommand("UPDATE users SET email = $1, normalized_email = upper($1) WHERE email = $2");
        former.Parameters.AddWithValue($"{marker}b@مثال.إختبار");
        former.Parameters.AddWithValue($"{marker}b@people.test");
        (await former.ExecuteNonQueryAsync(Cancel)).ShouldBe(1);

        foreach (var query in new[] { "a@مثال", "a@مثال.", "a@مثال.إختبار", "a@xn--mgb", "b@مثال", "b@مثال.إخت", "b@مثال.إختبار" })
        {
            (await SearchAsync(admin, marker + query)).Count.ShouldBe(1, query);
        }

        (await SearchAsync(admin, $"{marker}a@مثال.إخت")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Audit_entries_of_one_moment_are_listed_in_the_order_of_writing()
    {
        await using var auth = await servers.StartAsync(configure: services => services.AddSingleton<TimeProvider>(new StoppedClock()));
        await using var scope = auth.Services.CreateAsyncScope();
        var user = Guid.CreateVersion7();
        var numbers = Enumerable.Range(0, 20).Select(number => $"{number:00}").ToArray();
        foreach (var number in numbers)
        {
            scope.ServiceProvider.GetRequiredService<AuditLog>().Record(user, AuditActions.LoginFailed, new Dictionary<string, string> { ["number"] = number });
        }

        await scope.ServiceProvider.GetRequiredService<AuthDbContext>().SaveChangesAsync(Cancel);

        using var anonymous = auth.Anonymous();
        using var admin = auth.With((await anonymous.LoginAsync(AuthServers.AdminEmail, AuthServers.AdminPassword)).Access);
        var page = await admin.GetFromJsonAsync<JsonElement>($"{Base}/audit-log?user_id={user}", Cancel);
        page.GetProperty("items").EnumerateArray().Select(entry => entry.GetProperty("details").GetProperty("number").GetString()).ShouldBe(numbers.Reverse());
    }

    [Fact]
    public async Task First_admin_gets_a_link_to_verify_the_address()
    {
        var email = $"{Guid.CreateVersion7():N}@kashif.test";
        await using var auth = await servers.StartAsync(settings: ("Auth:Admin:Email", email));

        var asked = await servers.Events.WaitForAsync("user.email_verification_requested", data => data.GetProperty("email").GetString() == email);

        using var anonymous = auth.Anonymous();
        using var verified = await anonymous.PostAsJsonAsync(
            $"{Base}/email/verify", new { token = asked.GetProperty("data").GetProperty("token").GetString(), password = AuthServers.AdminPassword }, Cancel);
        verified.StatusCode.ShouldBe(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task User_list_pages_without_gaps_or_duplicates()
    {
        using var admin = await AdminAsync();
        using var anonymous = servers.Auth.Anonymous();
        var marker = $"{Guid.CreateVersion7():N}"[16..];
        for (var index = 0; index < 4; index++)
        {
            using var registered = await anonymous.TryRegisterAsync(new { email = $"{marker}{index}@people.test", password = AuthServers.GoodPassword, full_name = "Paged" });
            registered.EnsureSuccessStatusCode();
        }

        var seen = new List<string?>();
        string? cursor = null;
        var pages = 0;
        do
        {
            var page = await admin.GetFromJsonAsync<JsonElement>($"{Base}/users?query={marker}&limit=2{(cursor is null ? "" : $"&cursor={cursor}")}", Cancel);
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(user => user.GetProperty("email").GetString()));
            cursor = page.GetProperty("next_cursor").GetString();
            pages++;
        }
        while (cursor is not null);

        pages.ShouldBe(2);
        seen.ShouldBe([$"{marker}3@people.test", $"{marker}2@people.test", $"{marker}1@people.test", $"{marker}0@people.test"]);
    }

    [Fact]
    public async Task Changed_roles_apply_from_the_next_refresh()
    {
        using var admin = await AdminAsync();
        using var anonymous = servers.Auth.Anonymous();
        var (email, user) = await servers.Auth.RegisterVerifiedAsync();
        var tokens = await anonymous.LoginAsync(email);

        var changed = await ChangeAsync(admin, Id(user), new { roles = new[] { "staff", "citizen", "staff" } }, HttpStatusCode.OK);
        changed.GetProperty("roles").EnumerateArray().Select(role => role.GetString()).ShouldBe(["citizen", "staff"]);

        var refreshed = await anonymous.RefreshAsync(tokens.Refresh);
        using var staff = servers.Auth.With(refreshed.Access);
        using var me = await staff.MeAsync();
        (await me.JsonAsync()).GetProperty("roles").EnumerateArray().Select(role => role.GetString()).ShouldBe(["citizen", "staff"], ignoreOrder: true);

        var entry = (await AuditAsync(admin, Id(user))).Single(one => one.GetProperty("action").GetString() == "roles_changed");
        entry.GetProperty("details").GetProperty("before").GetString().ShouldBe("citizen");
        entry.GetProperty("details").GetProperty("after").GetString().ShouldBe("citizen staff");
        entry.GetProperty("actor_id").GetGuid().ShouldNotBe(Id(user));
        var told = (await servers.Events.WaitForAsync(UserRolesChanged.Type, data => data.GetProperty("user_id").GetGuid() == Id(user))).GetProperty("data");
        told.GetProperty("roles").EnumerateArray().Select(role => role.GetString()).ShouldBe(["citizen", "staff"]);
        told.GetProperty("changed_by").GetGuid().ShouldBe(entry.GetProperty("actor_id").GetGuid());
    }

    [Theory]
    [InlineData("partner")]
    [InlineData("staff")]
    [InlineData("moderator")]
    [InlineData("admin")]
    public async Task Roles_need_a_verified_address(string role)
    {
        using var admin = await AdminAsync();
        using var anonymous = servers.Auth.Anonymous();
        var (_, user) = await anonymous.RegisterAsync();

        var problem = await ChangeAsync(admin, Id(user), new { roles = new[] { "citizen", role }, disabled = true }, HttpStatusCode.UnprocessableEntity);

        problem.GetProperty("code").GetString().ShouldBe("email_not_verified");
        (await AuditAsync(admin, Id(user))).ShouldNotContain(entry => entry.GetProperty("action").GetString() == "disabled");
        await ChangeAsync(admin, Id(user), new { roles = Citizen, disabled = true }, HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("service")]
    [InlineData("king")]
    [InlineData("")]
    public async Task Unknown_role_returns_400(string role)
    {
        using var admin = await AdminAsync();
        using var anonymous = servers.Auth.Anonymous();
        var (_, user) = await anonymous.RegisterAsync();

        using var response = await admin.PatchAsJsonAsync($"{Base}/users/{Id(user)}", new { roles = new[] { "citizen", role } }, Cancel);
        await response.ShouldNameFieldsAsync("roles");
    }

    [Fact]
    public async Task Disabled_user_loses_sessions_and_gets_the_generic_login_error()
    {
        using var admin = await AdminAsync();
        using var anonymous = servers.Auth.Anonymous();
        var (email, user) = await anonymous.RegisterAsync();
        var tokens = await anonymous.LoginAsync(email);

        await ChangeAsync(admin, Id(user), new { disabled = true }, HttpStatusCode.OK);

        using var refresh = await anonymous.TryRefreshAsync(tokens.Refresh);
        await refresh.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_token");
        using var login = await anonymous.TryLoginAsync(email);
        var refused = await login.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");
        using var wrong = await anonymous.TryLoginAsync(Journey.NewEmail());
        (await wrong.JsonAsync()).GetProperty("detail").GetString().ShouldBe(refused.GetProperty("detail").GetString());

        await ChangeAsync(admin, Id(user), new { disabled = false }, HttpStatusCode.OK);
        await anonymous.LoginAsync(email);
        using var old = await anonymous.TryRefreshAsync(tokens.Refresh);
        old.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await AuditAsync(admin, Id(user))).Select(entry => entry.GetProperty("action").GetString()).ShouldContain("disabled");
    }

    [Fact]
    public async Task Disabling_and_enabling_are_published_with_the_roles()
    {
        using var admin = await AdminAsync();
        var (_, user) = await servers.Auth.RegisterVerifiedAsync();

        await ChangeAsync(admin, Id(user), new { disabled = true, roles = new[] { "citizen", "staff" } }, HttpStatusCode.OK);
        await ChangeAsync(admin, Id(user), new { disabled = true }, HttpStatusCode.OK); // nothing changes
        await ChangeAsync(admin, Id(user), new { disabled = false }, HttpStatusCode.OK);

        await servers.Events.WaitForAsync(UserRolesChanged.Type, data => data.GetProperty("user_id").GetGuid() == Id(user) && !data.GetProperty("disabled").GetBoolean());
        var told = servers.Events.Envelopes(UserRolesChanged.Type).Select(message => message.GetProperty("data")).Where(data => data.GetProperty("user_id").GetGuid() == Id(user)).ToArray();
        told.Select(data => (data.GetProperty("disabled").GetBoolean(), data.GetProperty("roles").GetArrayLength())).ShouldBe([(true, 2), (false, 2)], ignoreOrder: true);
        told.Select(data => data.GetProperty("changed_by").GetGuid()).ShouldNotContain(Id(user));
    }

    [Fact]
    public async Task An_account_disabled_before_the_event_is_published_by_the_migration()
    {
        await using var alone = await servers.StartAsync();
        var (_, user) = await alone.RegisterVerifiedAsync();
        await using var database = NpgsqlDataSource.Create(alone.Database);
        await database.CreateCommand($"UPDATE users SET disabled_at = now() WHERE id = '{Id(user)}'").ExecuteNonQueryAsync(Cancel);

        await database.CreateCommand(User.PublishDisabledSql).ExecuteNonQueryAsync(Cancel);

        var published = await servers.Events.WaitForAsync(UserRolesChanged.Type, data => data.GetProperty("user_id").GetGuid() == Id(user));
        published.GetProperty("data").Deserialize(EventCatalog.Types[UserRolesChanged.Type])
            .ShouldBeOfType<UserRolesChanged>().ShouldSatisfyAllConditions(told => told.UserId.ShouldBe(Id(user)), told => told.Disabled.ShouldBeTrue(), told => told.ChangedBy.ShouldBeNull(), told => told.Roles.ShouldBe(Citizen));
    }

    [Fact]
    public async Task Admins_cannot_remove_their_own_role_or_disable_themselves()
    {
        await using var alone = await servers.StartAsync();
        var (client, id) = await FirstAdminAsync(alone);
        using (client)
        {
            var problem = await ChangeAsync(client, id, new { roles = Citizen }, HttpStatusCode.UnprocessableEntity);
            problem.GetProperty("code").GetString().ShouldBe("own_account");
            problem = await ChangeAsync(client, id, new { disabled = true }, HttpStatusCode.UnprocessableEntity);
            problem.GetProperty("code").GetString().ShouldBe("own_account");
        }
    }

    [Fact]
    public async Task Two_admins_removing_each_other_in_parallel_leave_one_admin()
    {
        await using var host = await servers.StartAsync();
        var (first, firstId) = await FirstAdminAsync(host);
        using var anonymous = host.Anonymous();
        var (email, user) = await host.RegisterVerifiedAsync();
        await ChangeAsync(first, Id(user), new { roles = Admin }, HttpStatusCode.OK);
        using var second = host.With((await anonymous.LoginAsync(email)).Access);

        var answers = await Task.WhenAll(
            first.PatchAsJsonAsync($"{Base}/users/{Id(user)}", new { roles = Citizen }, Cancel),
            second.PatchAsJsonAsync($"{Base}/users/{firstId}", new { disabled = true }, Cancel));

        answers.Select(answer => (int)answer.StatusCode).Order().ShouldBe([200, 403]);
        var refused = answers.Single(answer => answer.StatusCode == HttpStatusCode.Forbidden);
        await refused.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "forbidden");
        first.Dispose();
    }

    [Fact]
    public async Task Former_admin_cannot_regain_the_role_with_an_old_token()
    {
        using var admin = await AdminAsync();
        using var anonymous = servers.Auth.Anonymous();
        var (email, user) = await servers.Auth.RegisterVerifiedAsync();
        await ChangeAsync(admin, Id(user), new { roles = Admin }, HttpStatusCode.OK);
        using var former = servers.Auth.With((await anonymous.LoginAsync(email)).Access);
        await ChangeAsync(admin, Id(user), new { roles = Citizen }, HttpStatusCode.OK);

        var problem = await ChangeAsync(former, Id(user), new { roles = Admin }, HttpStatusCode.Forbidden);
        problem.GetProperty("code").GetString().ShouldBe("forbidden");
    }

    [Fact]
    public async Task Own_audit_log_hides_the_address_of_the_admin()
    {
        using var admin = await AdminAsync();
        using var anonymous = servers.Auth.Anonymous();
        var (email, user) = await servers.Auth.RegisterVerifiedAsync();
        using var person = servers.Auth.With((await anonymous.LoginAsync(email)).Access);
        await ChangeAsync(admin, Id(user), new { roles = new[] { "citizen", "partner" } }, HttpStatusCode.OK);

        var mine = (await person.AuditAsync("roles_changed")).ShouldHaveSingleItem();
        mine.GetProperty("ip_address").ValueKind.ShouldBe(JsonValueKind.Null);
        (await AuditAsync(admin, Id(user)))[0].GetProperty("ip_address").GetString().ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task Own_audit_log_shows_only_own_entries()
    {
        using var admin = await AdminAsync();
        using var anonymous = servers.Auth.Anonymous();
        var (email, user) = await servers.Auth.RegisterVerifiedAsync();
        var (_, stranger) = await servers.Auth.RegisterVerifiedAsync();
        await ChangeAsync(admin, Id(user), new { roles = new[] { "citizen", "partner" } }, HttpStatusCode.OK);
        await ChangeAsync(admin, Id(stranger), new { roles = new[] { "citizen", "partner" } }, HttpStatusCode.OK);

        using var mine = servers.Auth.With((await anonymous.LoginAsync(email)).Access);
        var page = await mine.GetFromJsonAsync<JsonElement>($"{Base}/me/audit-log?user_id={Id(stranger)}", Cancel);
        var entries = page.GetProperty("items").EnumerateArray().ToList();
        entries.ShouldNotBeEmpty();
        entries.ShouldAllBe(entry => entry.GetProperty("user_id").GetGuid() == Id(user));

        using var all = await mine.GetAsync($"{Base}/audit-log", Cancel);
        all.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task Audit_log_rows_cannot_be_changed_only_anonymized()
    {
        using var admin = await AdminAsync();
        using var anonymous = servers.Auth.Anonymous();
        var (_, user) = await anonymous.RegisterAsync();
        await ChangeAsync(admin, Id(user), new { disabled = true }, HttpStatusCode.OK);

        await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
        foreach (var change in new[]
        {
            $"UPDATE audit_log SET action = 'x' WHERE user_id = '{Id(user)}'",
            $"UPDATE audit_log SET user_agent = 'x' WHERE user_id = '{Id(user)}'",
            $"DELETE FROM audit_log WHERE user_id = '{Id(user)}'",
            "TRUNCATE audit_log",
        })
        {
            await using var command = database.CreateCommand(change);
            var refused = await Should.ThrowAsync<PostgresException>(() => command.ExecuteNonQueryAsync(Cancel));
            refused.MessageText.ShouldBe("audit_log is append-only");
        }

        await using var erase = database.CreateCommand($"UPDATE audit_log SET ip_address = NULL, user_agent = NULL WHERE user_id = '{Id(user)}'");
        (await erase.ExecuteNonQueryAsync(Cancel)).ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Audit_entries_are_deleted_after_two_years_and_failed_logins_of_unknown_accounts_after_thirty_days()
    {
        await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
        var user = Guid.CreateVersion7();
        Guid[] expired = [await EntryAsync(Guid.Empty, "login_failed", 31), await EntryAsync(user, "logged_in", 731), await EntryAsync(Guid.Empty, "signing_key_rotated", 800)];
        Guid[] kept =
        [
            await EntryAsync(Guid.Empty, "login_failed", 29), await EntryAsync(Guid.Empty, "signing_key_rotated", 31), await EntryAsync(user, "login_failed", 31),
            await EntryAsync(user, "logged_in", 729),
        ];

        await servers.Auth.Services.GetServices<IHostedService>().OfType<AuditCleanup>().Single().RunOnceAsync(Cancel);

        await using var read = database.CreateCommand("SELECT array_agg(id ORDER BY id) FROM audit_log WHERE id = ANY($1)");
        read.Parameters.Add(new NpgsqlParameter { Value = expired.Concat(kept).ToArray() });
        ((Guid[]?)await read.ExecuteScalarAsync(Cancel)).ShouldBe(kept, ignoreOrder: true);

        async Task<Guid> EntryAsync(Guid userId, string action, int days)
        {
            var id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow().AddDays(-days));
            await using var insert = database.CreateCommand(
                $"INSERT INTO audit_log (id, user_id, action, occurred_at) VALUES ('{id}', '{userId}', '{action}', now() - interval '{days} days')");
            (await insert.ExecuteNonQueryAsync(Cancel)).ShouldBe(1);
            return id;
        }
    }

    private static Guid Id(JsonElement user) => user.GetProperty("id").GetGuid();

    private async Task<HttpClient> AdminAsync()
    {
        using var anonymous = servers.Auth.Anonymous();
        return servers.Auth.With((await anonymous.LoginAsync(AuthServers.AdminEmail, AuthServers.AdminPassword)).Access);
    }

    private static async Task<(HttpClient Client, Guid Id)> FirstAdminAsync(ServiceHost<Program> host)
    {
        using var anonymous = host.Anonymous();
        var client = host.With((await anonymous.LoginAsync(AuthServers.AdminEmail, AuthServers.AdminPassword)).Access);
        using var me = await client.MeAsync();
        return (client, Id(await me.JsonAsync()));
    }

    private static async Task<List<JsonElement>> SearchAsync(HttpClient admin, string query)
    {
        var page = await admin.GetFromJsonAsync<JsonElement>($"{Base}/users?query={Uri.EscapeDataString(query)}", Cancel);
        return [.. page.GetProperty("items").EnumerateArray()];
    }

    private static async Task<List<JsonElement>> AuditAsync(HttpClient admin, Guid user)
    {
        var page = await admin.GetFromJsonAsync<JsonElement>($"{Base}/audit-log?user_id={user}", Cancel);
        return [.. page.GetProperty("items").EnumerateArray()];
    }

    private static async Task<JsonElement> ChangeAsync(HttpClient admin, Guid id, object change, HttpStatusCode status)
    {
        using var response = await admin.PatchAsJsonAsync($"{Base}/users/{id}", change, Cancel);
        response.StatusCode.ShouldBe(status);
        return await response.JsonAsync();
    }

    private sealed class StoppedClock : TimeProvider
    {
        private readonly DateTimeOffset _now = System.GetUtcNow();

        public override DateTimeOffset GetUtcNow() => _now;
    }
}
