using System.Net.Http.Json;
using Kashif.Messaging.Events;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Kashif.Notifications.Tests;

public sealed class DigestTests(NotificationsServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Two replicas release the digests of many users at once: each user gets one mail with all titles.</summary>
    [Fact]
    public async Task Each_user_gets_one_digest_from_two_replicas()
    {
        const int users = 40, perUser = 3;
        await using var sink = new SmtpSink();
        var database = new NpgsqlConnectionStringBuilder(servers.Servers.DatabaseServer) { Database = $"test-{Guid.CreateVersion7():N}" }.ConnectionString;
        var settings = new Dictionary<string, string?>
        {
            ["Smtp:Host"] = "127.0.0.1",
            ["Smtp:Port"] = $"{sink.Port}",
            ["Smtp:Security"] = "None",
            ["Smtp:From"] = "no-reply@kashif.test",
        };
        await using var first = await NotificationsService.StartAsync(servers, settings, database);
        await using var second = await NotificationsService.StartAsync(servers, settings, database);
        var readers = Enumerable.Range(0, users).Select(number => (Id: Guid.CreateVersion7(), Email: $"reader{number}@example.org")).ToArray();
        foreach (var (id, email) in readers)
        {
            await first.PublishAsync(new UserUpdated(id, "Amal", email, "en", ["email"]));
            using var client = first.As(id);
            using var response = await client.PutAsJsonAsync("/api/v1/notifications/preferences", new { paused_until = TimeProvider.System.GetUtcNow().AddHours(1) }, Cancel);
            response.EnsureSuccessStatusCode();
        }

        await Eventually.TrueAsync(() => first.QueryAsync(async rows => await rows.Recipients.CountAsync(row => row.EmailEnabled, Cancel) == users), "the recipients");
        foreach (var (id, _) in readers)
        {
            for (var count = 0; count < perUser; count++)
            {
                await first.PublishAsync(new CouponRedeemed(Guid.CreateVersion7(), id, count, "Free coffee", "ABCD", 50));
            }
        }

        await Eventually.TrueAsync(
            () => first.QueryAsync(async rows => await rows.HeldDeliveries.CountAsync(row => row.Channel == ChannelNames.Email, Cancel) == users * perUser), "the held mails");
        await first.QueryAsync(rows => rows.HeldDeliveries.ExecuteUpdateAsync(held => held.SetProperty(row => row.ReleaseAt, DateTimeOffset.UnixEpoch), Cancel));

        await Eventually.TrueAsync(() => readers.All(reader => sink.To(reader.Email).Count > 0), "the mails");
        foreach (var (_, email) in readers)
        {
            var mail = sink.To(email).ShouldHaveSingleItem();
            mail.Header("Subject").ShouldBe("You have 3 new notifications");
            mail.Text.ShouldNotBeNull().Split("• Coupon redeemed").Length.ShouldBe(perUser + 1);
        }

        (await first.QueryAsync(rows => rows.HeldDeliveries.CountAsync(Cancel))).ShouldBe(0);
    }
}
