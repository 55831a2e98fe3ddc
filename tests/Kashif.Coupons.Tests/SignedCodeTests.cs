using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.Coupons.Tests;

/// <summary>Codes that a till checks without a connection.</summary>
public sealed class SignedCodeTests(CouponsService service)
{
    private ServiceHost<Program> Host => service.Host;

    [Fact]
    public async Task A_till_verifies_a_signed_code_with_the_published_keys_alone()
    {
        var place = await Host.CreateCompanyAndCategoryAsync();
        using var partner = await Host.PartnerAsync(place.Company);
        using var stranger = await Host.PartnerAsync((await Host.CreateCompanyAndCategoryAsync()).Company);
        var coupon = await Host.OfferAsync(partner, place, more: new() { ["ends_at"] = "2999-01-01T00:00:00Z" });
        var user = await service.UserAsync(1);
        using var owner = Host.As(user);
        var bought = await Host.BuyAsync(user, coupon);
        using var anonymous = Host.Anonymous();

        (await stranger.ReadAsync($"/redemptions/{bought.Id}/qr")).Status.ShouldBe(404);
        var (status, signed) = await owner.ReadAsync($"/redemptions/{bought.Id}/qr");
        var keys = new JsonWebKeySet(await anonymous.GetStringAsync($"{CouponsService.Area}/.well-known/coupon-keys.json", TestContext.Current.CancellationToken));

        status.ShouldBe(200, signed.ToString());
        signed.GetProperty("qr_code").GetString().ShouldNotBeNull().ShouldStartWith("data:image/png;base64,iVBOR");
        var code = signed.GetProperty("signed_code").GetString() ?? "";
        var checkedOffline = await new JsonWebTokenHandler().ValidateTokenAsync(
            code, new TokenValidationParameters { IssuerSigningKeys = keys.GetSigningKeys(), ValidateIssuer = false, ValidateAudience = false });
        checkedOffline.IsValid.ShouldBeTrue();
        checkedOffline.Claims["redemption_id"].ShouldBe(bought.Id.ToString());
        checkedOffline.Claims["code"].ShouldBe(bought.Code);
        checkedOffline.Claims["coupon_id"].ShouldBe(coupon);
        checkedOffline.Claims["company_id"].ShouldBe(place.Company);
        checkedOffline.SecurityToken.ValidTo.Year.ShouldBe(2999);

        foreach (var wrong in new[] { "x", $"{code}x", string.Join('.', code.Split('.')[..2].Append("")), code.Replace('.', '~') })
        {
            (await partner.SubmitAsync("/redemptions/use", new { signed_code = wrong })).Body.Code.ShouldBe("invalid_signed_code");
        }

        (await partner.SubmitAsync("/redemptions/use", new { signed_code = code, code = bought.Code })).Body.BadFields.ShouldBe(["code"]);
        (await partner.SubmitAsync("/redemptions/use", new { })).Body.BadFields.ShouldBe(["code"]);
        (await stranger.SubmitAsync("/redemptions/use", new { signed_code = code })).Status.ShouldBe(404);
        (await partner.SubmitAsync("/redemptions/use", new { signed_code = code })).Status.ShouldBe(200);
        (await partner.SubmitAsync("/redemptions/use", new { signed_code = code })).Body.Code.ShouldBe("already_used");
        (await owner.ReadAsync($"/redemptions/{bought.Id}/qr")).Body.Code.ShouldBe("already_used");
    }

    [Fact]
    public async Task A_signed_code_of_a_cancelled_redemption_is_refused()
    {
        var user = await service.UserAsync(1);
        using var owner = Host.As(user);
        using var admin = Host.Admin();
        var bought = await Host.BuyAsync(user, await Host.OfferAsync(10, 1));
        var signed = (await owner.ReadAsync($"/redemptions/{bought.Id}/qr")).Body.GetProperty("signed_code").GetString();

        (await owner.SubmitAsync($"/redemptions/{bought.Id}/cancel", null)).Status.ShouldBe(200);

        (await admin.SubmitAsync("/redemptions/use", new { signed_code = signed })).Body.Code.ShouldBe("redemption_cancelled");
        (await owner.ReadAsync($"/redemptions/{bought.Id}/qr")).Body.Code.ShouldBe("redemption_cancelled");
    }

    [Fact]
    public async Task Replicas_create_one_key_and_a_changed_secret_creates_another()
    {
        await using var first = await service.StartAnotherAsync();
        await using var second = await service.StartAnotherAsync(first.Database);
        await using var changed = await service.StartAnotherAsync(
            first.Database, configure: services => services.Configure<ServiceClientOptions>(options => options.ClientSecret = "changed-secret"));

        var before = (await Task.WhenAll(Enumerable.Range(0, 16).Select(index => KeysAsync(index % 2 == 0 ? first : second)))).Distinct().ToList();
        var after = await KeysAsync(changed);

        before.ShouldHaveSingleItem().ShouldNotContain(',');
        after.Split(',').ShouldContain(before[0]);
        after.Split(',').Length.ShouldBe(2);
        (await KeysAsync(first)).ShouldBe(after);
        (await first.QueryAsync(database => database.CodeSigningKeys.CountAsync())).ShouldBe(2);

        static async Task<string> KeysAsync(ServiceHost<Program> host)
        {
            using var anonymous = host.Anonymous();
            var (status, body) = await anonymous.ReadAsync("/.well-known/coupon-keys.json");
            status.ShouldBe(200, body.ToString());
            return string.Join(',', body.GetProperty("keys").EnumerateArray().Select(key => key.GetProperty("kid").GetString()));
        }
    }
}
