using System.Net;
using System.Net.Http.Json;
using Kashif.Security;
using Kashif.Testing;

namespace Kashif.SystemTests;

/// <summary>Access that is taken away ends within seconds, not when the access token expires.</summary>
public sealed class AccessTests(KashifSystem system)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_disabled_user_a_lost_role_and_an_ended_session_lose_access_at_once()
    {
        using var admin = (await system.AdminAsync()).Client;
        var (disabled, demoted, signedOut) = (await system.RegisterAsync(), await system.RegisterAsync(Roles.Staff), await system.RegisterAsync());
        using var profile = await signedOut.Client.GetAsync("/api/v1/auth/me", Cancel);
        var email = (await profile.JsonAsync(200)).GetProperty("email").GetString() ?? "";
        var kept = await system.SignInAsync(email, KashifSystem.Password, signedOut.Id);
        foreach (var user in new[] { disabled, demoted, signedOut, kept })
        {
            (await StatusAsync(user)).ShouldBe(HttpStatusCode.OK);
        }

        await PatchAsync(disabled, new { disabled = true });
        await PatchAsync(demoted, new { roles = new[] { Roles.Citizen } });
        using var ended = await signedOut.Client.PostAsJsonAsync("/api/v1/auth/logout", new { refresh_token = signedOut.RefreshToken }, Cancel);
        ended.StatusCode.ShouldBe(HttpStatusCode.NoContent);

        foreach (var user in new[] { disabled, demoted, signedOut })
        {
            await Eventually.TrueAsync(async () => await StatusAsync(user) is HttpStatusCode.Unauthorized, "the token to be refused");
        }

        (await StatusAsync(kept)).ShouldBe(HttpStatusCode.OK);
        using var refreshed = await demoted.Client.PostAsJsonAsync("/api/v1/auth/refresh", new { refresh_token = demoted.RefreshToken }, Cancel);
        demoted.Client.DefaultRequestHeaders.Authorization = new("Bearer", (await refreshed.JsonAsync(200)).GetProperty("access_token").GetString());
        (await StatusAsync(demoted)).ShouldBe(HttpStatusCode.OK);

        async Task PatchAsync(User user, object change)
        {
            using var changed = await admin.PatchAsJsonAsync($"/api/v1/auth/users/{user.Id}", change, Cancel);
            changed.StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        static async Task<HttpStatusCode> StatusAsync(User user)
        {
            using var response = await user.Client.GetAsync("/api/v1/reports/my-reports", Cancel);
            return response.StatusCode;
        }
    }
}
