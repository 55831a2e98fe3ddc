using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Auth.Customers;
using Kashif.Security;
using Kashif.Testing;
using Npgsql;

namespace Kashif.Auth.Tests;

/// <summary>Accounts that customer service makes, and that people take over.</summary>
public sealed class CustomerTests(AuthServers servers)
{
    private const string Customers = "/api/v1/auth/customers";
    private const string Invited = "user.invited";
    private const string Password = "amber heron 12";

    private readonly HttpClient _anonymous = servers.Auth.Anonymous();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Customer_service_creates_finds_and_corrects_customers()
    {
        using var clerk = await ClerkAsync();
        var marker = $"{Guid.CreateVersion7():N}"[16..];
        var digits = $"{Random.Shared.NextInt64(1_000_000_000, 9_999_999_999)}";
        var phone = $"+963 ({digits[..3]}) {digits[3..7]}-{digits[7..]}";

        using var created = await CreateAsync(clerk, new { full_name = $" Amina {marker} ", phone, email = $"{marker}@مثال.إختبار", language = "ar" });

        created.StatusCode.ShouldBe(HttpStatusCode.Created);
        (created.Headers.ETag?.ToString()).ShouldBe("\"1\"");
        var customer = await created.JsonAsync();
        customer.GetProperty("full_name").GetString().ShouldBe($"Amina {marker}");
        customer.GetProperty("email").GetString().ShouldBe($"{marker}@xn--mgbh0fb.xn--kgbechtv");
        customer.GetProperty("invited_at").ValueKind.ShouldBe(JsonValueKind.Null);
        foreach (var query in new[] { marker.ToUpperInvariant(), $"{marker}@xn--", $"amina {marker}", digits, $"({digits[..3]})", string.Concat(digits.Select(digit => (char)('٠' + digit - '0'))), $"{marker} {digits[2..8]}" })
        {
            (await SearchAsync(clerk, query)).ShouldContain(Id(customer), query);
        }

        (await SearchAsync(clerk, $"{marker} %")).ShouldBeEmpty();
        (await SearchAsync(clerk, $"{marker}_")).ShouldBeEmpty();

        using var changed = await ChangeAsync(clerk, customer, new { full_name = "Amina Haddad", phone = "", email = "" }, "\"1\"");
        changed.StatusCode.ShouldBe(HttpStatusCode.OK);
        var now = await changed.JsonAsync();
        (now.GetProperty("full_name").GetString(), now.GetProperty("version").GetInt32()).ShouldBe(("Amina Haddad", 2));
        now.GetProperty("phone").ValueKind.ShouldBe(JsonValueKind.Null);
        now.GetProperty("email").ValueKind.ShouldBe(JsonValueKind.Null);
        (await (await clerk.GetAsync($"{Customers}/{Id(customer)}", Cancel)).JsonAsync()).ToString().ShouldBe(now.ToString());
        await (await ChangeAsync(clerk, customer, new { full_name = "Late" }, "\"1\"")).ShouldBeProblemAsync(HttpStatusCode.PreconditionFailed, "precondition_failed");
        (await SearchAsync(clerk, digits)).ShouldBeEmpty();

        // Nothing to change makes no version.
        using var same = await ChangeAsync(clerk, customer, new { full_name = "Amina Haddad" });
        (await same.JsonAsync()).GetProperty("version").GetInt32().ShouldBe(2);
        (await ActionsAsync(customer)).ShouldBe(["customer_created", "customer_changed"]);
    }

    [Fact]
    public async Task Only_customer_service_and_admins_see_customers()
    {
        using var clerk = await ClerkAsync();
        var customer = await CustomerAsync(clerk);
        foreach (var role in new[] { Roles.Citizen, Roles.Partner, Roles.Staff, Roles.Moderator })
        {
            using var other = await UserAsync(role);
            await (await other.GetAsync(Customers, Cancel)).ShouldBeProblemAsync(HttpStatusCode.Forbidden, "forbidden");
            await (await other.GetAsync($"{Customers}/{Id(customer)}", Cancel)).ShouldBeProblemAsync(HttpStatusCode.Forbidden, "forbidden");
        }

        using var admin = await UserAsync(Roles.Admin);
        (await admin.GetAsync($"{Customers}/{Id(customer)}", Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await (await clerk.GetAsync("/api/v1/auth/users", Cancel)).ShouldBeProblemAsync(HttpStatusCode.Forbidden, "forbidden"); // no rights of admins
    }

    [Fact]
    public async Task Invalid_data_is_refused_by_field()
    {
        using var clerk = await ClerkAsync();
        await (await CreateAsync(clerk, new { full_name = " ", language = "fr", phone = "call me", email = "amina" })).ShouldNameFieldsAsync("full_name", "language", "phone", "email");
        var customer = await CustomerAsync(clerk);
        await (await ChangeAsync(clerk, customer, new { full_name = "", language = "fr", phone = "1", email = "@" })).ShouldNameFieldsAsync("full_name", "language", "phone", "email");
        await (await InviteAsync(clerk, customer, "")).ShouldNameFieldsAsync("email");
    }

    [Fact]
    public async Task An_address_belongs_to_one_account()
    {
        using var clerk = await ClerkAsync();
        var (registered, _) = await _anonymous.RegisterAsync();
        var known = Journey.NewEmail();
        var customer = await CustomerAsync(clerk, known);
        var other = await CustomerAsync(clerk);

        foreach (var email in new[] { registered.ToUpperInvariant(), known })
        {
            await (await CreateAsync(clerk, new { full_name = "A", language = "en", email })).ShouldBeProblemAsync(HttpStatusCode.Conflict, "email_taken");
            await (await ChangeAsync(clerk, other, new { email })).ShouldBeProblemAsync(HttpStatusCode.Conflict, "email_taken");
            await (await InviteAsync(clerk, other, email)).ShouldBeProblemAsync(HttpStatusCode.Conflict, "email_taken");
        }

        (await ChangeAsync(clerk, customer, new { email = known })).StatusCode.ShouldBe(HttpStatusCode.OK); // its own

        // Eight at once: one gets the address.
        var wanted = Journey.NewEmail();
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(number => number % 2 == 0
                ? CreateAsync(clerk, new { full_name = "A", language = "en", email = wanted })
                : _anonymous.TryRegisterAsync(new { email = wanted, password = Password, full_name = "A" })));
        answers.Count(answer => answer.StatusCode == HttpStatusCode.Created).ShouldBe(1);
        answers.Count(answer => answer.StatusCode == HttpStatusCode.Conflict).ShouldBe(7);
    }

    [Fact]
    public async Task A_customer_cannot_sign_in_before_taking_the_account_over()
    {
        using var clerk = await ClerkAsync();
        var email = Journey.NewEmail();
        var customer = await CustomerAsync(clerk, email);

        await (await _anonymous.TryLoginAsync(email)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");

        // A forgotten password that there never was: the person gets the link to choose one.
        using var forgotten = await _anonymous.PostAsJsonAsync("/api/v1/auth/password/forgot", new { email }, Cancel);
        forgotten.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await TakeOverAsync(await TokenAsync(email))).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await _anonymous.LoginAsync(email, Password);
        (await clerk.GetAsync($"{Customers}/{Id(customer)}", Cancel)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_taken_over_account_is_a_normal_one_with_the_same_id()
    {
        using var clerk = await ClerkAsync();
        var customer = await CustomerAsync(clerk, phone: "+963 11 1234567");
        var email = Journey.NewEmail();
        (await InviteAsync(clerk, customer, email)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        var token = await TokenAsync(email);
        token.Length.ShouldBe(43); // 256 bits

        await (await TakeOverAsync(token, "password")).ShouldNameFieldsAsync("password");
        (await TakeOverAsync(token)).StatusCode.ShouldBe(HttpStatusCode.NoContent);

        using var person = servers.Auth.With((await _anonymous.LoginAsync(email, Password)).Access);
        var me = await (await person.MeAsync()).JsonAsync();
        me.GetProperty("id").GetGuid().ShouldBe(Id(customer));
        me.GetProperty("email_verified").GetBoolean().ShouldBeTrue();
        me.GetProperty("phone").GetString().ShouldBe("+963 11 1234567");
        me.GetProperty("language").GetString().ShouldBe("ar");
        me.GetProperty("roles").EnumerateArray().Select(role => role.GetString()).ShouldBe(["citizen"]);
        var registered = await servers.Events.WaitForAsync("user.registered", data => data.GetProperty("email").GetString() == email);
        var updated = await servers.Events.WaitForAsync("user.updated", data => data.GetProperty("email").GetString() == email);
        updated.GetProperty("data").GetProperty("channels").EnumerateArray().Select(channel => channel.GetString()).ShouldContain("email");
        updated.GetProperty("time").GetDateTimeOffset().ShouldBeGreaterThan(registered.GetProperty("time").GetDateTimeOffset());
        (await person.AuditAsync()).ConvertAll(entry => entry.GetProperty("action").GetString())
            .ShouldBe(["logged_in", "taken_over", "customer_invited", "customer_created"]);

        // Neither the link nor customer service opens it again.
        await (await TakeOverAsync(token)).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_token");
        (await ChangeAsync(clerk, customer, new { full_name = "Another" })).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await InviteAsync(clerk, customer, Journey.NewEmail())).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await clerk.DeleteAsync($"{Customers}/{Id(customer)}", Cancel)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await SearchAsync(clerk, email)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_link_works_until_it_is_replaced_expires_or_the_address_changes()
    {
        using var clerk = await ClerkAsync();
        var (email, other) = (Journey.NewEmail(), Journey.NewEmail());
        var customer = await CustomerAsync(clerk, email);
        await InviteAsync(clerk, customer, email);
        var first = await TokenAsync(email);
        (await CountAsync("SELECT count(*) FROM invitations WHERE customer_id = $1 AND expires_at - created_at = interval '7 days'", Id(customer))).ShouldBe(1);
        (await DatabaseScan.TablesWithAsync(servers.Auth.Database, first)).Except(["outbox"]).ShouldBeEmpty(); // only its hash

        await InviteAsync(clerk, customer, other);
        var second = await TokenAsync(other);
        await (await TakeOverAsync(first)).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_token");
        (await ChangeAsync(clerk, customer, new { email })).StatusCode.ShouldBe(HttpStatusCode.OK);
        await (await TakeOverAsync(second)).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_token");

        await InviteAsync(clerk, customer, other);
        await ExecuteAsync("UPDATE invitations SET expires_at = now() WHERE customer_id = $1 AND replaced_at IS NULL", Id(customer));
        var third = (await servers.Events.WaitForAsync(
            Invited, data => data.GetProperty("email").GetString() == other && data.GetProperty("token").GetString() != second)).GetProperty("data").GetProperty("token").GetString() ?? "";
        await (await TakeOverAsync(third)).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_token");
        (await InviteAsync(clerk, customer, other)).StatusCode.ShouldBe(HttpStatusCode.Accepted); // the third to this address
        await (await InviteAsync(clerk, customer, other)).ShouldBeProblemAsync(HttpStatusCode.TooManyRequests, "too_many_emails");
        await (await TakeOverAsync("nonsense")).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_token");
    }

    [Fact]
    public async Task Registering_with_a_customers_address_offers_the_account()
    {
        using var clerk = await ClerkAsync();
        var email = Journey.NewEmail();
        var customer = await CustomerAsync(clerk, email);

        var body = new { email = email.ToUpperInvariant(), password = Password, full_name = "Amina" };
        var problem = await (await _anonymous.TryRegisterAsync(body, "try")).ShouldBeProblemAsync(HttpStatusCode.Conflict, "email_taken");

        // The answer is the one for any account that there is.
        var (known, _) = await _anonymous.RegisterAsync();
        var same = await (await _anonymous.TryRegisterAsync(new { email = known, password = Password, full_name = "Amina" })).ShouldBeProblemAsync(HttpStatusCode.Conflict, "email_taken");
        problem.GetProperty("detail").GetString().ShouldBe(same.GetProperty("detail").GetString());

        (await CountAsync("SELECT count(*) FROM users WHERE normalized_email = upper($1)", email)).ShouldBe(0);
        (await TakeOverAsync(await TokenAsync(email))).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        using var person = servers.Auth.With((await _anonymous.LoginAsync(email, Password)).Access);
        (await (await person.MeAsync()).JsonAsync()).GetProperty("id").GetGuid().ShouldBe(Id(customer));

        // At most three mails an hour, however often a stranger tries.
        var another = Journey.NewEmail();
        var target = await CustomerAsync(clerk, another);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => _anonymous.TryRegisterAsync(new { email = another, password = Password, full_name = "A" })));
        (await CountAsync("SELECT count(*) FROM invitations WHERE customer_id = $1", Id(target))).ShouldBe(Invitations.MaxPerHour);
    }

    [Fact]
    public async Task A_user_cannot_change_to_a_customers_address()
    {
        using var clerk = await ClerkAsync();
        var wanted = Journey.NewEmail();
        await CustomerAsync(clerk, wanted);
        var (email, _) = await _anonymous.RegisterAsync();
        using var person = servers.Auth.With((await _anonymous.LoginAsync(email)).Access);
        using var asked = await person.PatchAsJsonAsync("/api/v1/auth/me", new { email = wanted, current_password = AuthServers.GoodPassword }, Cancel);
        asked.StatusCode.ShouldBe(HttpStatusCode.OK);
        var token = (await servers.Events.WaitForAsync("user.email_verification_requested", data => data.GetProperty("email").GetString() == wanted))
            .GetProperty("data").GetProperty("token").GetString();

        using var verified = await person.PostAsJsonAsync("/api/v1/auth/email/verify", new { token }, Cancel);

        await verified.ShouldBeProblemAsync(HttpStatusCode.Conflict, "email_taken");
    }

    [Fact]
    public async Task Closing_erases_the_customer_everywhere()
    {
        using var clerk = await ClerkAsync();
        var email = Journey.NewEmail();
        using var request = new HttpRequestMessage(HttpMethod.Post, Customers) { Content = JsonContent.Create(new { full_name = "Amina", language = "ar", email }) };
        request.Headers.Add("Idempotency-Key", "once");
        using var created = await clerk.SendAsync(request, Cancel);
        var customer = await created.JsonAsync();
        await InviteAsync(clerk, customer, email);
        var token = await TokenAsync(email);
        await Eventually.TrueAsync(async () => await CountAsync("SELECT count(*) FROM outbox WHERE subject = $1", Id(customer).ToString()) == 0, "an empty outbox");

        await (await CloseAsync(clerk, customer, "\"1\"")).ShouldBeProblemAsync(HttpStatusCode.PreconditionFailed, "precondition_failed");
        using var closed = await CloseAsync(clerk, customer);

        closed.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        using var progress = await _anonymous.GetAsync(closed.Headers.Location, Cancel);
        (await progress.JsonAsync()).GetProperty("status").GetString().ShouldBe("erasing");
        await servers.Events.WaitForAsync("user.deleted", data => data.GetProperty("user_id").GetGuid() == Id(customer));
        (await DatabaseScan.TablesWithAsync(servers.Auth.Database, email)).ShouldBeEmpty();
        (await DatabaseScan.TablesWithAsync(servers.Auth.Database, Id(customer).ToString())).Except(["outbox"]).ShouldBeSubsetOf(["account_deletions", "audit_log"]);
        await (await TakeOverAsync(token)).ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid_token");
        (await CloseAsync(clerk, customer)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await ActionsAsync(customer)).ShouldBe(["customer_created", "customer_invited", "deletion_requested"]);
    }

    [Fact]
    public async Task Of_two_invitations_at_once_one_link_works()
    {
        using var clerk = await ClerkAsync();
        for (var round = 0; round < 4; round++)
        {
            string[] emails = [Journey.NewEmail(), Journey.NewEmail()];
            var customer = await CustomerAsync(clerk);
            var answers = await Task.WhenAll(emails.Select(email => InviteAsync(clerk, customer, email)));
            answers.ShouldAllBe(answer => answer.StatusCode == HttpStatusCode.Accepted);
            var tokens = await Task.WhenAll(emails.Select(TokenAsync));

            var taken = await Task.WhenAll(tokens.Select(token => TakeOverAsync(token)));

            taken.Count(answer => answer.StatusCode == HttpStatusCode.NoContent).ShouldBe(1);
            taken.Count(answer => answer.StatusCode == HttpStatusCode.UnprocessableEntity).ShouldBe(1);
            (await CountAsync("SELECT count(*) FROM users WHERE id = $1", Id(customer))).ShouldBe(1);
        }
    }

    [Fact]
    public async Task Taking_over_beside_closing_and_correcting_ends_in_one_of_them()
    {
        using var clerk = await ClerkAsync();
        for (var round = 0; round < 8; round++)
        {
            var email = Journey.NewEmail();
            var customer = await CustomerAsync(clerk, email);
            await InviteAsync(clerk, customer, email);
            var token = await TokenAsync(email);

            var first = TakeOverAsync(token);
            var (second, close, change) = (TakeOverAsync(token), CloseAsync(clerk, customer), ChangeAsync(clerk, customer, new { phone = "0944 123 456" }));
            var answers = (await Task.WhenAll(first, second, close, change)).Select(answer => (int)answer.StatusCode).ToArray();

            var (isTaken, isClosed) = (answers[..2].Contains(204), answers[2] == 202);
            (isTaken ^ isClosed).ShouldBeTrue(string.Join(' ', answers));
            answers[..2].Count(status => status == 204).ShouldBeLessThanOrEqualTo(1);
            answers.ShouldAllBe(status => status < 500);
            (await CountAsync("SELECT count(*) FROM users WHERE id = $1", Id(customer))).ShouldBe(isTaken ? 1 : 0);
            (await CountAsync("SELECT count(*) FROM account_deletions WHERE user_id = $1", Id(customer))).ShouldBe(isClosed ? 1 : 0);
            (await CountAsync("SELECT count(*) FROM customers WHERE id = $1", Id(customer))).ShouldBe(0);
        }
    }

    private Task<HttpClient> ClerkAsync() => UserAsync(Roles.Counter);

    private async Task<HttpClient> UserAsync(string role)
    {
        var (email, user) = await servers.Auth.RegisterVerifiedAsync();
        await ExecuteAsync($"UPDATE users SET roles = ARRAY(SELECT DISTINCT unnest(ARRAY['citizen', '{role}']) ORDER BY 1) WHERE id = $1", Id(user));
        return servers.Auth.With((await _anonymous.LoginAsync(email)).Access);
    }

    private static Task<HttpResponseMessage> CreateAsync(HttpClient clerk, object body) => clerk.PostAsJsonAsync(Customers, body, Cancel);

    private static async Task<JsonElement> CustomerAsync(HttpClient clerk, string? email = null, string? phone = null)
    {
        using var created = await CreateAsync(clerk, new { full_name = "Amina Haddad", language = "ar", email, phone });
        created.StatusCode.ShouldBe(HttpStatusCode.Created, await created.Content.ReadAsStringAsync(Cancel));
        return await created.JsonAsync();
    }

    private static async Task<HttpResponseMessage> ChangeAsync(HttpClient clerk, JsonElement customer, object body, string? ifMatch = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Patch, $"{Customers}/{Id(customer)}") { Content = JsonContent.Create(body) };
        if (ifMatch is not null)
        {
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        }

        return await clerk.SendAsync(request, Cancel);
    }

    private static async Task<HttpResponseMessage> CloseAsync(HttpClient clerk, JsonElement customer, string? ifMatch = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, $"{Customers}/{Id(customer)}");
        if (ifMatch is not null)
        {
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        }

        return await clerk.SendAsync(request, Cancel);
    }

    private static Task<HttpResponseMessage> InviteAsync(HttpClient clerk, JsonElement customer, string email) =>
        clerk.PostAsJsonAsync($"{Customers}/{Id(customer)}/invite", new { email }, Cancel);

    private Task<HttpResponseMessage> TakeOverAsync(string token, string password = Password) =>
        _anonymous.PostAsJsonAsync("/api/v1/auth/take-over", new { token, password }, Cancel);

    private async Task<string> TokenAsync(string email) =>
        (await servers.Events.WaitForAsync(Invited, data => data.GetProperty("email").GetString() == email)).GetProperty("data").GetProperty("token").GetString() ?? "";

    private static async Task<List<Guid>> SearchAsync(HttpClient clerk, string query)
    {
        var page = await clerk.GetFromJsonAsync<JsonElement>($"{Customers}?q={Uri.EscapeDataString(query)}", Cancel);
        return [.. page.GetProperty("items").EnumerateArray().Select(Id)];
    }

    private static Guid Id(JsonElement account) => account.GetProperty("id").GetGuid();

    private async Task<string[]> ActionsAsync(JsonElement customer)
    {
        await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
        await using var command = database.CreateCommand("SELECT array_agg(action ORDER BY id) FROM audit_log WHERE user_id = $1");
        command.Parameters.AddWithValue(Id(customer));
        return (string[]?)await command.ExecuteScalarAsync(Cancel) ?? [];
    }

    private async Task<long> CountAsync(string sql, object value)
    {
        await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
        await using var command = database.CreateCommand(sql);
        command.Parameters.AddWithValue(value);
        return (long?)await command.ExecuteScalarAsync(Cancel) ?? 0;
    }

    private async Task ExecuteAsync(string sql, Guid id)
    {
        await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
        await using var command = database.CreateCommand(sql);
        command.Parameters.AddWithValue(id);
        (await command.ExecuteNonQueryAsync(Cancel)).ShouldBe(1);
    }
}
