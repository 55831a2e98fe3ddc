using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Profiles;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using static Kashif.Gamification.Tests.GamificationService;

namespace Kashif.Gamification.Tests;

/// <summary>Display names, public profiles, and who is on the leaderboards.</summary>
public sealed class ProfileTests(GamificationService service)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_new_user_has_no_name_and_no_public_profile()
    {
        using var client = service.Citizen(out var user);

        var (status, mine) = await client.ReadAsync("/profiles/me");
        var (others, problem) = await client.ReadAsync($"/profiles/{user}");

        status.ShouldBe(200);
        mine.GetRawText().ShouldBe(
            $$"""{"user_id":"{{user}}","display_name":null,"name_status":null,"name_reason":null,"name_shown":false,"renamable_at":null,"public":false,"on_leaderboard":true}""");
        (others, problem.Code).ShouldBe((404, "not_found"));
    }

    [Fact]
    public async Task A_public_profile_shows_name_points_level_achievements_and_streak()
    {
        using var client = service.Citizen(out var user);
        var name = Name();
        await service.Tap.PublishAsync(Created(user, Guid.CreateVersion7()));
        await service.WaitForBalanceAsync(user, 10);
        await service.EarnAsync(user, 1);

        (await PutAsync(client, name, isPublic: true)).Status.ShouldBe(200);
        using var anonymous = service.Host.Anonymous();
        var (status, profile) = await anonymous.ReadAsync($"/profiles/{user}");

        status.ShouldBe(200);
        profile.GetProperty("display_name").GetString().ShouldBe(name);
        profile.GetProperty("points").GetInt64().ShouldBe(60);
        profile.GetProperty("level").GetInt32().ShouldBe(2);
        profile.GetProperty("streak_days").GetInt32().ShouldBe(1);
        profile.GetProperty("achievements").EnumerateArray().Select(item => item.GetProperty("code").GetString()).ShouldBe(["first_report", "first_resolved"], ignoreOrder: true);
        (await anonymous.ReadAsync($"/points/{user}")).Body.GetProperty("display_name").GetString().ShouldBe(name);
    }

    [Theory]
    [InlineData("amal@example.org")]
    [InlineData("amal＠example")]
    [InlineData("0501234567")]
    [InlineData("call ٠٥٠-١٢٣-٤٥٦٧")]
    [InlineData("Admin")]
    [InlineData("The Admin!")]
    [InlineData("A-d-m-i-n")]
    [InlineData("Аdmin")] // a Cyrillic letter
    [InlineData("Kashif team")]
    [InlineData("كاشــف")]
    [InlineData("الاداره")]
    [InlineData("!?")]
    [InlineData(" ")]
    [InlineData("Amal\u200bH")]
    [InlineData("Amal\u202eH")]
    [InlineData("A name that is longer than thirty letters")]
    public async Task A_name_that_deceives_or_tells_too_much_is_refused(string name)
    {
        using var client = service.Citizen(out _);

        var (status, problem) = await PutAsync(client, name);

        status.ShouldBe(400);
        problem.BadFields.ShouldBe(["display_name"]);
    }

    [Theory]
    [InlineData("Amal Haddad", "ÁMÀL-haddad")]
    [InlineData("أحمد علي", "احمد على")]
    [InlineData("فاطمة", "فَاطِمــه")]
    [InlineData("Amal 12", "Amal ١٢")]
    [InlineData("Rosa", "Rоsа")] // Cyrillic letters
    [InlineData("NINA BEZH MYXA", "ΝΙΝΑ ΒΕΖΗ ΜΥΧΑ")] // Greek capitals
    [InlineData("ΝΊΝΑ", "νίνα")]
    public void Names_that_look_the_same_are_the_same(string one, string other) => NameRules.Fold(one).ShouldBe(NameRules.Fold(other));

    [Theory]
    [InlineData("Βob")] // a Greek capital
    [InlineData("Аmal")] // a Cyrillic one
    [InlineData("Ᏼob")] // a Cherokee one
    [InlineData("Bօb")] // an Armenian letter
    [InlineData("Hiاl Amal")] // an Arabic one
    public void A_word_with_letters_of_two_alphabets_is_refused(string name) => NameRules.Validate(name).ShouldBe(NameRules.MixedAlphabets);

    [Theory]
    [InlineData("ΑDΜΙΝ")]
    [InlineData("ΑΔΜΙΝ ADMIN")]
    [InlineData("M0derat0r")]
    [InlineData("adm1n")]
    [InlineData("The K4shif team")]
    public void A_name_that_imitates_a_refused_word_is_refused(string name) => NameRules.Validate(name).ShouldBeOneOf(NameRules.MixedAlphabets, NameRules.Refused);

    [Theory]
    [InlineData("Amal أمل")]
    [InlineData("أمل2")]
    [InlineData("Ahmed-عمر")]
    [InlineData("Ɗan Łukasz Đorđe")]
    [InlineData("Αθηνά")]
    [InlineData("Юлия")]
    [InlineData("山田タロウ")]
    [InlineData("አበበ ቢቂላ")]
    [InlineData("R2D2")]
    [InlineData("Amal 1990")]
    [InlineData("Scunthorpe Steel")]
    [InlineData("كلبشة")]
    public void Names_that_only_contain_a_refused_word_are_allowed(string name) => NameRules.Validate(name).ShouldBeNull();

    [Fact]
    public async Task A_name_belongs_to_one_user_also_under_concurrency()
    {
        var name = Name();
        var clients = Enumerable.Range(0, 8).Select(_ => service.Citizen(out var _)).ToList();

        var results = await Task.WhenAll(clients.Select((client, index) => PutAsync(client, index % 2 == 0 ? name : name.ToUpperInvariant())));

        results.Count(result => result.Status == 200).ShouldBe(1);
        results.Where(result => result.Status != 200).Select(result => (result.Status, result.Body.Code)).Distinct().ShouldBe([(409, "name_taken")]);
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task A_name_changes_once_a_month()
    {
        using var client = service.Citizen(out var user);
        (await PutAsync(client, Name())).Status.ShouldBe(200);
        var second = Name();
        var (status, changed) = await PutAsync(client, second);
        status.ShouldBe(200);
        var renamable = changed.GetProperty("renamable_at").GetDateTimeOffset();
        renamable.ShouldBeGreaterThan(TimeProvider.System.GetUtcNow().AddDays(27));

        var (again, problem) = await PutAsync(client, Name());
        (await PutAsync(client, second, isPublic: true)).Status.ShouldBe(200); // the same name

        (again, problem.Code).ShouldBe((422, "renamed_recently"));
        problem.GetProperty("detail").GetString().ShouldNotBeNull().ShouldContain(renamable.UtcDateTime.ToString("yyyy-MM-dd HH:mm", System.Globalization.CultureInfo.InvariantCulture));
        (await PutAsync(client, null)).Status.ShouldBe(200);
        (await PutAsync(client, second)).Status.ShouldBe(422);
        await service.QueryAsync(database => database.Database.ExecuteSqlAsync($"UPDATE profiles SET renamed_at = renamed_at - interval '32 days' WHERE user_id = {user}"));
        (await PutAsync(client, second)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_rejected_name_is_shown_to_its_owner_only_and_may_be_replaced_at_once()
    {
        using var client = service.Citizen(out var user);
        using var moderator = service.Host.As(Guid.CreateVersion7(), Roles.Moderator);
        var name = Name();
        await PutAsync(client, name, isPublic: true);
        (await PendingAsync(moderator)).ShouldContain(name);

        (await PostAsync(moderator, user, "reject", new { display_name = Name(), reason = "No" })).ShouldBe(409);
        (await PostAsync(client, user, "reject", new { display_name = name, reason = "No" })).ShouldBe(403);
        (await PostAsync(moderator, Guid.CreateVersion7(), "reject", new { display_name = name, reason = "No" })).ShouldBe(404);
        (await PostAsync(moderator, user, "reject", new { display_name = name, reason = "The name of an office" })).ShouldBe(204);

        var (_, mine) = await client.ReadAsync("/profiles/me");
        (mine.GetProperty("display_name").GetString(), mine.GetProperty("name_status").GetString(), mine.GetProperty("name_reason").GetString(), mine.GetProperty("name_shown").GetBoolean())
            .ShouldBe((name, "rejected", "The name of an office", false));
        (await client.ReadAsync($"/profiles/{user}")).Body.GetProperty("display_name").ValueKind.ShouldBe(JsonValueKind.Null);
        (await PendingAsync(moderator)).ShouldNotContain(name);
        var (status, replaced) = await PutAsync(client, Name());
        status.ShouldBe(200);
        (replaced.GetProperty("name_status").GetString(), replaced.GetProperty("renamable_at").ValueKind).ShouldBe(("pending", JsonValueKind.Null));
    }

    [Fact]
    public async Task An_approved_name_leaves_the_list_of_new_names()
    {
        using var client = service.Citizen(out var user);
        using var moderator = service.Host.As(Guid.CreateVersion7(), Roles.Moderator);
        var name = Name();
        await PutAsync(client, name);

        (await PostAsync(moderator, user, "approve", new { display_name = name })).ShouldBe(204);

        (await PendingAsync(moderator)).ShouldNotContain(name);
        (await client.ReadAsync("/profiles/me")).Body.GetProperty("name_status").GetString().ShouldBe("approved");
    }

    [Fact]
    public async Task A_city_can_show_names_only_after_approval()
    {
        var names = new DisplayNames(Options.Create(new ProfileOptions { ApproveNames = true }));
        using var client = service.Citizen(out var user);
        using var moderator = service.Host.As(Guid.CreateVersion7(), Roles.Moderator);
        var name = Name();
        await PutAsync(client, name);

        var pending = await service.QueryAsync(database => names.OfAsync(database, [user], Cancel));
        await PostAsync(moderator, user, "approve", new { display_name = name });
        var approved = await service.QueryAsync(database => names.OfAsync(database, [user], Cancel));

        pending.ShouldBeEmpty();
        approved.ShouldBe(new Dictionary<Guid, string> { [user] = name });
    }

    [Fact]
    public async Task A_profile_is_exported_and_erased()
    {
        using var client = service.Citizen(out var user);
        using var moderator = service.Host.As(user, Roles.Moderator);
        using var other = service.Citizen(out var otherUser);
        var (name, otherName) = (Name(), Name());
        await PutAsync(client, name);
        await PutAsync(other, otherName);
        await PostAsync(moderator, otherUser, "approve", new { display_name = otherName });
        using var auth = service.Host.AsService();

        var export = await auth.GetFromJsonAsync<JsonElement>($"/internal/v1/users/{user}/export", Cancel);
        await service.Tap.EraseAsync(user, ResourceNames.Gamification);

        export.GetProperty("profile").GetProperty("display_name").GetString().ShouldBe(name);
        (await DatabaseScan.TablesWithAsync(service.Host.Database, user.ToString())).Except(["outbox", "erased_users"]).ShouldBeEmpty();
        (await DatabaseScan.TablesWithAsync(service.Host.Database, name)).ShouldBeEmpty();
    }

    /// <summary>Also a user whose first points come after they have left.</summary>
    [Fact]
    public async Task A_user_who_leaves_the_leaderboards_is_on_none_of_them()
    {
        using var client = service.Citizen(out var user);
        using var late = service.Citizen(out var lateUser);
        await service.EarnAsync(user, 2);
        (await PutAsync(client, null, onLeaderboard: false)).Status.ShouldBe(200);
        (await PutAsync(late, null, onLeaderboard: false)).Status.ShouldBe(200);
        await service.EarnAsync(lateUser, 2);
        await service.EarnAsync(user, 1);

        foreach (var query in (string[])["", "?period=month", "?period=week"])
        {
            (await client.ReadAsync("/leaderboard/me" + query)).Body.GetRawText().ShouldBe("""{"rank":null,"items":[]}""");
            (await late.ReadAsync("/leaderboard/me" + query)).Body.GetProperty("items").GetArrayLength().ShouldBe(0);
        }

        (await client.ReadAsync("/points/me")).Body.GetProperty("rank").ValueKind.ShouldBe(JsonValueKind.Null);
        var ranking = service.Host.Services.GetRequiredService<RankingCache>();
        (await ranking.TopAsync(100_000, Cancel))?.ShouldNotContain(standing => standing.UserId == user || standing.UserId == lateUser);

        (await PutAsync(client, null, onLeaderboard: true)).Status.ShouldBe(200);
        (await client.ReadAsync("/leaderboard/me")).Body.GetProperty("rank").ValueKind.ShouldBe(JsonValueKind.Number);
        (await client.ReadAsync("/leaderboard/me?period=week")).Body.GetProperty("rank").ValueKind.ShouldBe(JsonValueKind.Number);
    }

    private static string Name() => $"Amal {string.Concat(Guid.CreateVersion7().ToString("N")[20..].Select(digit => (char)('g' + Convert.ToInt32(digit.ToString(), 16))))}";

    private static async Task<(int Status, JsonElement Body)> PutAsync(HttpClient client, string? name, bool isPublic = false, bool onLeaderboard = true)
    {
        using var response = await client.PutAsJsonAsync($"{Area}/profiles/me", new { display_name = name, @public = isPublic, on_leaderboard = onLeaderboard }, Cancel);
        return ((int)response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>(Cancel));
    }

    private static async Task<int> PostAsync(HttpClient client, Guid user, string verdict, object body)
    {
        using var response = await client.PostAsJsonAsync($"{Area}/profiles/{user}/name/{verdict}", body, Cancel);
        return (int)response.StatusCode;
    }

    private static async Task<List<string?>> PendingAsync(HttpClient moderator)
    {
        var names = new List<string?>();
        string? cursor = null;
        do
        {
            var (status, page) = await moderator.ReadAsync($"/profiles/pending?limit=2{(cursor is null ? "" : $"&cursor={cursor}")}");
            status.ShouldBe(200);
            names.AddRange(page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("display_name").GetString()));
            cursor = page.GetProperty("next_cursor").GetString();
        }
        while (cursor is not null);
        return names;
    }
}
