using System.Net.Sockets;
using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Templates;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Kashif.Notifications.Tests;

/// <summary>Mails reach the server at least once or end with a reason, and their secrets are erased then.</summary>
public sealed class EmailTests(NotificationsServers servers) : IAsyncLifetime
{
    private const string Token = "3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    /// <summary>A label of more than 63 characters in Punycode.</summary>
    private const string LongLabel = "بلديةبلديةبلديةبلديةبلديةبلديةبلديةبلديةبلديةبلديةبلديةبلدية";
    private readonly SmtpSink _sink = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _sink.DisposeAsync();

    [Theory]
    [InlineData("en", "Confirm your e-mail address", "Choose a new password", "ltr")]
    [InlineData("ar", "أكّد عنوان بريدك الإلكتروني", "اختر كلمة مرور جديدة", "rtl")]
    public async Task An_account_mail_has_its_link_in_the_users_language_and_is_erased_once_sent(string language, string verify, string reset, string direction)
    {
        await using var service = await StartAsync();
        var user = Guid.CreateVersion7();
        var address = $"{language}@people.test";

        await service.PublishAsync(new EmailVerificationRequested(user, address, Token, language));
        await WaitForStateAsync(service, user, DeliveryState.Sent);
        await service.PublishAsync(new PasswordResetRequested(user, address, Token, language));
        await Eventually.TrueAsync(() => _sink.To(address).Count == 2, "two mails");

        Check(_sink.To(address)[0], verify, $"https://app.kashif.test/verify-email#token={Token}");
        Check(_sink.To(address)[1], reset, $"https://app.kashif.test/reset-password#token={Token}");
        await Eventually.TrueAsync(
            () => service.QueryAsync(async database => await database.Deliveries.CountAsync(row => row.UserId == user && row.State == DeliveryState.Sent && row.AccountMail == null, Cancel) == 2),
            "two sent and erased mails");
        (await service.FeedAsync(user)).ShouldBeEmpty();

        void Check(ReceivedMail mail, string subject, string link)
        {
            mail.Header("Subject").ShouldBe(subject);
            mail.Header("From").ShouldBe("Kashif <no-reply@kashif.test>");
            mail.Header("To").ShouldBe(address);
            mail.Header("Auto-Submitted").ShouldBe("auto-generated");
            mail.Raw.All(char.IsAscii).ShouldBeTrue();
            mail.ContentType.ShouldBe("multipart/alternative");
            mail.Text.ShouldNotBeNull().ShouldContain(link);
            mail.Html.ShouldNotBeNull().ShouldContain($"href=\"{link}\"");
            mail.Html.ShouldContain($"<html lang=\"{language}\" dir=\"{direction}\">");
        }
    }

    [Fact]
    public async Task A_security_notice_goes_to_the_address_of_its_event_and_is_erased_once_sent()
    {
        await using var service = await StartAsync();
        var user = Guid.CreateVersion7();

        await service.PublishAsync(new UserSecurityChanged(user, "former@people.test", "en", SecurityChanges.EmailChanged));

        (await WaitForStateAsync(service, user, DeliveryState.Sent)).AccountMail.ShouldBeNull();
        _sink.To("former@people.test").ShouldHaveSingleItem().Text.ShouldNotBeNull().ShouldContain("The e-mail address of your Kashif account was changed.");
        (await service.FeedAsync(user)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_temporarily_refused_mail_is_retried()
    {
        await using var service = await StartAsync();
        var user = await RequestMailAsync(service, SmtpSink.Busy);

        (await WaitForStateAsync(service, user, DeliveryState.Sent)).Attempts.ShouldBe(3);
        _sink.Received.ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData(SmtpSink.Unknown, DeliveryState.Dead, 1, "smtp_550")]
    [InlineData(SmtpSink.AlwaysBusy, DeliveryState.Dead, 3, "smtp_450")]
    [InlineData(SmtpSink.Hang, DeliveryState.Dead, 3, "smtp_unreachable")]
    public async Task A_mail_that_cannot_be_sent_ends_with_a_reason_and_is_erased(string name, string state, int attempts, string error)
    {
        await using var service = await StartAsync(name == SmtpSink.Hang ? new() { ["Smtp:Timeout"] = "00:00:01" } : null);
        var user = await RequestMailAsync(service, name);

        var delivery = await WaitForStateAsync(service, user, state);
        delivery.Attempts.ShouldBe(attempts);
        delivery.LastError.ShouldBe(error);
        _sink.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_unreachable_mail_server_does_not_affect_pushes()
    {
        using var logs = new CapturedLogs();
        await using var service = await StartAsync(new() { ["Smtp:Port"] = "1" }, logs: logs);
        var user = await RequestMailAsync(service, "amal");
        using var registered = await service.RegisterAsync(user, "phone");
        var notification = await service.NotifyAsync(user);

        (await WaitForStateAsync(service, user, DeliveryState.Dead)).LastError.ShouldBe("smtp_unreachable");
        await service.DeliveryAsync(notification.GetProperty("id").GetGuid(), DeliveryState.Sent);
        logs.Lines.ShouldContain(line => line.StartsWith("Warning") && line.Contains("smtp_unreachable") && line.Contains(nameof(SocketException)));
    }

    [Theory]
    [InlineData("invalid_address", $"x@{LongLabel}.com")]
    [InlineData("smtputf8_not_offered", "أمل@people.test")]
    [InlineData("smtp_550", $"{SmtpSink.Unknown}@people.test")]
    public async Task A_refused_mail_does_not_delay_the_others(string error, string address)
    {
        await using var service = await StartAsync();
        var refused = Guid.CreateVersion7();
        var taken = Guid.CreateVersion7();

        // Written in one transaction, so sent in one batch.
        await service.QueryAsync(async database =>
        {
            database.Deliveries.AddRange(AccountMailTo(refused, address), AccountMailTo(taken, "amal@people.test"));
            return await database.SaveChangesAsync(Cancel);
        });

        var failed = await WaitForStateAsync(service, refused, DeliveryState.Dead);
        failed.LastError.ShouldBe(error);
        failed.Attempts.ShouldBe(1);
        (await WaitForStateAsync(service, taken, DeliveryState.Sent)).Attempts.ShouldBe(1);
        _sink.Received.ShouldHaveSingleItem().To.ShouldBe("amal@people.test");

        static ChannelDelivery AccountMailTo(Guid user, string to) => new()
        {
            Channel = ChannelNames.Email,
            UserId = user,
            AccountMail = JsonSerializer.Serialize(new AccountMail(PasswordResetRequested.Type, to, Token, "en"), NotificationsJson.Default.AccountMail),
            State = DeliveryState.Queued,
            NextAttemptAt = TimeProvider.System.GetUtcNow(),
        };
    }

    [Theory]
    [InlineData("amal", DeliveryState.Sent)]
    [InlineData(SmtpSink.Unknown, DeliveryState.Dead)]
    [InlineData(SmtpSink.AlwaysBusy, DeliveryState.Dead)]
    public async Task Logs_contain_no_address_token_or_subject_of_a_mail(string name, string state)
    {
        using var logs = new CapturedLogs();
        await using var service = await StartAsync(logs: logs);

        await WaitForStateAsync(service, await RequestMailAsync(service, name), state);

        logs.KashifLines.ShouldNotBeEmpty();
        foreach (var secret in new[] { $"{name}@", "people.test", Token, "Choose a new password" })
        {
            logs.KashifLines.ShouldNotContain(line => line.Contains(secret));
        }
    }

    [Fact]
    public async Task A_mail_without_a_confirmation_is_resent_with_the_same_message_id()
    {
        await using var service = await StartAsync();
        var user = await RequestMailAsync(service, SmtpSink.Drop);

        (await WaitForStateAsync(service, user, DeliveryState.Sent)).Attempts.ShouldBe(2);
        _sink.Received.Count.ShouldBe(2);
        _sink.Received.Select(mail => mail.Header("Message-ID")).Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Another_process_sends_what_a_crashed_process_had_leased()
    {
        // From outside, a process stuck in a call looks the same as a crashed one.
        var stuck = new StuckSender();
        await using var dying = await StartAsync(new() { ["Delivery:Lease"] = "00:00:03" }, sender: stuck);
        var user = await RequestMailAsync(dying, "amal");
        await stuck.Called;

        await using var next = await StartAsync(new() { ["Delivery:Lease"] = "00:00:20" }, database: dying.Database);
        (await WaitForStateAsync(next, user, DeliveryState.Sent)).Attempts.ShouldBe(2);
        _sink.Received.ShouldHaveSingleItem().Text.ShouldNotBeNull().ShouldContain(Token);
        stuck.Release();
    }

    [Fact]
    public async Task A_login_is_sent_and_a_refused_one_is_retried()
    {
        await using var sink = new SmtpSink { Login = ("kashif", "a good password") };
        await using (var service = await StartAsync(new() { ["Smtp:Port"] = $"{sink.Port}", ["Smtp:User"] = "kashif", ["Smtp:Password"] = "a good password" }))
        {
            await WaitForStateAsync(service, await RequestMailAsync(service, "amal"), DeliveryState.Sent);
            sink.Received.ShouldHaveSingleItem();
        }

        await using var wrong = await StartAsync(new() { ["Smtp:Port"] = $"{sink.Port}", ["Smtp:User"] = "kashif", ["Smtp:Password"] = "a bad one" });
        var delivery = await WaitForStateAsync(wrong, await RequestMailAsync(wrong, "amal"), DeliveryState.Dead);
        delivery.Attempts.ShouldBe(3); // The operator may fix it.
        delivery.LastError.ShouldBe("smtp_535");
        sink.Received.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Without_StartTls_on_the_server_no_mail_is_sent_in_the_clear()
    {
        await using var service = await StartAsync(new() { ["Smtp:Security"] = "StartTls", ["Smtp:User"] = "kashif", ["Smtp:Password"] = "secret" });
        (await WaitForStateAsync(service, await RequestMailAsync(service, "amal"), DeliveryState.Dead)).LastError.ShouldBe("smtp_unreachable");
        _sink.Commands.ShouldNotBeEmpty();
        _sink.Commands.ShouldAllBe(line => line.StartsWith("EHLO") || line.StartsWith("QUIT"));
    }

    [Fact]
    public async Task Only_receipts_are_sent_to_a_user_who_enabled_e_mail()
    {
        await using var service = await StartAsync();
        var user = Guid.CreateVersion7();
        await UpdateAsync(service, user, ["push", "email"]);

        await service.PublishAsync(new PointsAwarded(Guid.CreateVersion7(), user, 1, 1, "report_created"));
        await service.PublishAsync(new CouponRedeemed(Guid.CreateVersion7(), user, 7, "Kaffee <b>\r\nBcc: evil@people.test", "SECRET-CODE", 50));
        await service.WaitForFeedAsync(user, 2);

        await Eventually.TrueAsync(() => _sink.Received.Count == 1, "the receipt");
        var mail = _sink.Received[0];
        mail.To.ShouldBe("amal@people.test");
        mail.Header("Subject").ShouldBe("Coupon redeemed");
        mail.Header("Bcc").ShouldBeNull();
        mail.Text.ShouldNotBeNull().ShouldContain("Kaffee <b>");
        mail.Html.ShouldNotBeNull().ShouldContain("Kaffee &lt;b&gt;");
        mail.Raw.ShouldNotContain("SECRET-CODE");
        mail.Raw.ShouldNotContain("X-Evil");
        _sink.Commands.Count(line => line.StartsWith("RCPT")).ShouldBe(1);
    }

    [Fact]
    public async Task A_disabled_channel_is_unused_and_the_latest_preference_counts()
    {
        await using var service = await StartAsync();
        var user = Guid.CreateVersion7();
        var now = TimeProvider.System.GetUtcNow();
        using var registered = await service.RegisterAsync(user, "phone");

        // The latest event arrives first, the registration last.
        await UpdateAsync(service, user, [], now);
        await service.PublishAsync(new UserUpdated(user, "Amal", "old@people.test", "ar", ["push", "email"]), time: now.AddMinutes(-1));
        await service.PublishAsync(new UserRegistered(user, "Amal", "older@people.test", "ar"), time: now.AddMinutes(-2));
        await service.WaitForFeedAsync(user, 1);
        await service.PublishAsync(new CouponRedeemed(Guid.CreateVersion7(), user, 7, "Free coffee", "CODE", 50));

        var feed = await service.WaitForFeedAsync(user, 2);
        feed[0].GetProperty("title").GetString().ShouldBe("Coupon redeemed"); // In English, the latest choice.
        (await service.QueryAsync(database => database.Deliveries.CountAsync(row => row.NotificationId != null && database.Notifications.Any(notification => notification.Id == row.NotificationId && notification.UserId == user), Cancel))).ShouldBe(0);

        // Account mails ignore the preferences.
        await WaitForStateAsync(service, await RequestMailAsync(service, "amal", user), DeliveryState.Sent);
        _sink.Received.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_waiting_receipt_is_dropped_if_the_user_disables_e_mail()
    {
        var stuck = new StuckSender();
        await using var service = await StartAsync(sender: stuck);
        var user = Guid.CreateVersion7();
        await UpdateAsync(service, user, ["email"]);
        await RequestMailAsync(service, "busy-worker");
        await stuck.Called;

        await service.PublishAsync(new CouponRedeemed(Guid.CreateVersion7(), user, 7, "Free coffee", "CODE", 50));
        var notification = (await service.WaitForFeedAsync(user, 1))[0].GetProperty("id").GetGuid();
        await UpdateAsync(service, user, ["push"]);
        stuck.Release();

        (await service.DeliveryAsync(notification, DeliveryState.Dead)).LastError.ShouldBe("recipient_removed");
        stuck.Sent.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Without_a_server_mails_are_written_to_files()
    {
        var directory = Directory.CreateTempSubdirectory("kashif-mail-");
        try
        {
            await using var service = await StartAsync(new() { ["Smtp:Host"] = "", ["Smtp:PickupDirectory"] = directory.FullName });
            await WaitForStateAsync(service, await RequestMailAsync(service, "amal"), DeliveryState.Sent);

            var mail = new ReceivedMail("", await File.ReadAllTextAsync(directory.GetFiles("*.eml").ShouldHaveSingleItem().FullName, Cancel));
            mail.Header("To").ShouldBe("amal@people.test");
            mail.Text.ShouldNotBeNull().ShouldContain(Token);
            directory.GetFiles().ShouldHaveSingleItem();
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private Task<NotificationsService> StartAsync(Dictionary<string, string?>? settings = null, string? database = null, IMailSender? sender = null, CapturedLogs? logs = null)
    {
        var all = new Dictionary<string, string?>
        {
            ["Smtp:Host"] = "127.0.0.1",
            ["Smtp:Port"] = $"{_sink.Port}",
            ["Smtp:From"] = "Kashif <no-reply@kashif.test>",
            ["Smtp:Security"] = "None",
            ["Smtp:Timeout"] = "00:00:10",
            ["Links:App"] = "https://app.kashif.test",
            ["Delivery:MaxAttempts"] = "3",
            ["Delivery:RetryDelay"] = "00:00:00.05",
            ["Delivery:Poll"] = "00:00:00.05",
            ["Delivery:Lease"] = "00:01:00",
        };
        foreach (var (key, value) in settings ?? [])
        {
            all[key] = value;
        }

        return NotificationsService.StartAsync(servers, all, database, services =>
        {
            if (sender is not null)
            {
                services.Replace(ServiceDescriptor.Singleton(sender));
            }

            if (logs is not null)
            {
                services.AddLogging(logging => logging.AddProvider(logs).SetMinimumLevel(LogLevel.Trace));
            }
        });
    }

    /// <summary>Requests an account mail.</summary>
    private static async Task<Guid> RequestMailAsync(NotificationsService service, string name, Guid? user = null)
    {
        var id = user ?? Guid.CreateVersion7();
        await service.PublishAsync(new PasswordResetRequested(id, $"{name}@people.test", Token, "en"));
        return id;
    }

    /// <summary>Waits until the user's account mail has this state, and asserts that its content is erased.</summary>
    private static async Task<ChannelDelivery> WaitForStateAsync(NotificationsService service, Guid user, string state)
    {
        ChannelDelivery? delivery = null;
        await Eventually.TrueAsync(
            async () => (delivery = await service.QueryAsync(database => database.Deliveries.AsNoTracking()
                .SingleOrDefaultAsync(row => row.UserId == user && row.State == state, Cancel))) is not null,
            $"a mail in state {state}");
        delivery.ShouldNotBeNull().AccountMail.ShouldBeNull();
        return delivery;
    }

    private static async Task UpdateAsync(NotificationsService service, Guid user, string[] channels, DateTimeOffset? time = null)
    {
        var at = time ?? TimeProvider.System.GetUtcNow();
        await service.PublishAsync(new UserUpdated(user, "Amal\r\nX-Evil: Evil", "amal@people.test", "en", channels), time: at);
        await Eventually.TrueAsync(
            () => service.QueryAsync(database => database.Recipients.AnyAsync(
                row => row.UserId == user && row.EmailEnabled == channels.Contains("email") && row.PushEnabled == channels.Contains("push"), Cancel)),
            "the preferences");
    }

    /// <summary>Blocks in its first call until released.</summary>
    private sealed class StuckSender : IMailSender
    {
        private readonly TaskCompletionSource _called = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Called => _called.Task;

        public List<Mail> Sent { get; } = [];

        public void Release() => _released.TrySetResult();

        public async Task<IReadOnlyList<SendOutcome>> SendAsync(IReadOnlyList<Mail> mails, CancellationToken cancellationToken)
        {
            Sent.AddRange(mails);
            _called.TrySetResult();
            await _released.Task;
            return [.. mails.Select(_ => new SendOutcome(SendResult.Sent))];
        }
    }
}
