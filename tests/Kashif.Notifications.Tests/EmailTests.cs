using System.Net.Sockets;
using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Notifications.Channels;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Kashif.Notifications.Tests;

/// <summary>Mails reach the server at least once, or end in a state that says why not; what is secret in them is kept no longer than that.</summary>
public sealed class EmailTests(NotificationsServers servers) : IAsyncLifetime
{
    private const string Token = "3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    /// <summary>Over 63 characters in Punycode.</summary>
    private const string LongLabel = "بلديةبلديةبلديةبلديةبلديةبلديةبلديةبلديةبلديةبلديةبلديةبلدية";
    private readonly SmtpSink _sink = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _sink.DisposeAsync();

    [Theory]
    [InlineData("en", "Confirm your e-mail address", "Choose a new password", "ltr")]
    [InlineData("ar", "أكّد عنوان بريدك الإلكتروني", "اختر كلمة مرور جديدة", "rtl")]
    public async Task A_letter_brings_its_link_in_the_persons_language_and_leaves_nothing_behind(string language, string verify, string reset, string direction)
    {
        await using var service = await StartAsync();
        var user = Guid.CreateVersion7();
        var address = $"{language}@people.test";

        await service.PublishAsync(new EmailVerificationRequested(user, address, Token, language));
        await SettledAsync(service, user, DeliveryState.Sent);
        await service.PublishAsync(new PasswordResetRequested(user, address, Token, language));
        await Eventually.TrueAsync(() => _sink.To(address).Count == 2, "two mails");

        Check(_sink.To(address)[0], verify, $"https://app.kashif.test/verify-email#token={Token}");
        Check(_sink.To(address)[1], reset, $"https://app.kashif.test/reset-password#token={Token}");
        await Eventually.TrueAsync(
            () => service.QueryAsync(async database => await database.Deliveries.CountAsync(row => row.UserId == user && row.State == DeliveryState.Sent && row.AccountMail == null, Cancel) == 2),
            "both sent and erased");
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
    public async Task What_the_server_puts_off_is_tried_again()
    {
        await using var service = await StartAsync();
        var user = await WriteToAsync(service, SmtpSink.Busy);

        (await SettledAsync(service, user, DeliveryState.Sent)).Attempts.ShouldBe(3);
        _sink.Received.ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData(SmtpSink.Unknown, DeliveryState.Failed, 1, "smtp_550")]
    [InlineData(SmtpSink.AlwaysBusy, DeliveryState.Dead, 3, "smtp_450")]
    [InlineData(SmtpSink.Hang, DeliveryState.Dead, 3, "smtp_unreachable")]
    public async Task What_cannot_be_sent_ends_and_is_erased(string name, string state, int attempts, string error)
    {
        await using var service = await StartAsync();
        var user = await WriteToAsync(service, name);

        var delivery = await SettledAsync(service, user, state);
        delivery.Attempts.ShouldBe(attempts);
        delivery.LastError.ShouldBe(error);
        _sink.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_server_that_is_away_costs_no_other_channel_anything()
    {
        using var logs = new CapturedLogs();
        await using var service = await StartAsync(new() { ["Smtp:Port"] = "1" }, logs: logs);
        var user = await WriteToAsync(service, "amal");
        using var registered = await service.RegisterAsync(user, "phone");
        var notification = await service.NotifyAsync(user);

        (await SettledAsync(service, user, DeliveryState.Dead)).LastError.ShouldBe("smtp_unreachable");
        await service.DeliveryAsync(notification.GetProperty("id").GetGuid(), DeliveryState.Sent);
        logs.Lines.ShouldContain(line => line.StartsWith("Warning") && line.Contains("smtp_unreachable") && line.Contains(nameof(SocketException)));
    }

    [Theory]
    [InlineData("invalid_address", $"x@{LongLabel}.com")]
    [InlineData("smtputf8_not_offered", "أمل@people.test")]
    [InlineData("smtp_550", $"{SmtpSink.Unknown}@people.test")]
    public async Task A_letter_that_is_refused_delays_no_other(string error, string address)
    {
        await using var service = await StartAsync();
        var refused = Guid.CreateVersion7();
        var taken = Guid.CreateVersion7();

        // One transaction, so one batch.
        await service.QueryAsync(async database =>
        {
            database.Deliveries.AddRange(AccountMailTo(refused, address), AccountMailTo(taken, "amal@people.test"));
            return await database.SaveChangesAsync(Cancel);
        });

        var failed = await SettledAsync(service, refused, DeliveryState.Failed);
        failed.LastError.ShouldBe(error);
        failed.Attempts.ShouldBe(1);
        (await SettledAsync(service, taken, DeliveryState.Sent)).Attempts.ShouldBe(1);
        _sink.Received.ShouldHaveSingleItem().To.ShouldBe("amal@people.test");

        static ChannelDelivery AccountMailTo(Guid user, string to) => new()
        {
            Channel = DeliveryChannel.Email,
            UserId = user,
            AccountMail = JsonSerializer.Serialize(new AccountMail(PasswordResetRequested.Type, to, Token, "en"), NotificationsJson.Default.AccountMail),
            State = DeliveryState.Pending,
            NextAttemptAt = TimeProvider.System.GetUtcNow(),
        };
    }

    [Theory]
    [InlineData("amal", DeliveryState.Sent)]
    [InlineData(SmtpSink.Unknown, DeliveryState.Failed)]
    [InlineData(SmtpSink.AlwaysBusy, DeliveryState.Dead)]
    public async Task Nothing_of_a_mail_is_logged(string name, string state)
    {
        using var logs = new CapturedLogs();
        await using var service = await StartAsync(logs: logs);

        await SettledAsync(service, await WriteToAsync(service, name), state);

        logs.KashifLines.ShouldNotBeEmpty();
        foreach (var secret in new[] { $"{name}@", "people.test", Token, "Choose a new password" })
        {
            logs.KashifLines.ShouldNotContain(line => line.Contains(secret));
        }
    }

    [Fact]
    public async Task A_mail_whose_taking_was_not_heard_goes_again_as_the_same()
    {
        await using var service = await StartAsync();
        var user = await WriteToAsync(service, SmtpSink.Drop);

        (await SettledAsync(service, user, DeliveryState.Sent)).Attempts.ShouldBe(2);
        _sink.Received.Count.ShouldBe(2);
        _sink.Received.Select(mail => mail.Header("Message-ID")).Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task What_a_process_that_died_had_taken_up_is_sent_by_the_next()
    {
        // A process that never comes back from its call and one that was killed in it look the same from outside.
        var stuck = new StuckSender();
        await using var dying = await StartAsync(sender: stuck);
        var user = await WriteToAsync(dying, "amal");
        await stuck.Taken;

        await using var next = await StartAsync(database: dying.Database);
        (await SettledAsync(next, user, DeliveryState.Sent)).Attempts.ShouldBe(2);
        _sink.Received.ShouldHaveSingleItem().Text.ShouldNotBeNull().ShouldContain(Token);
        stuck.Release();
    }

    [Fact]
    public async Task The_server_is_told_our_name_and_password()
    {
        await using var sink = new SmtpSink { Login = ("kashif", "a good password") };
        await using (var service = await StartAsync(new() { ["Smtp:Port"] = $"{sink.Port}", ["Smtp:User"] = "kashif", ["Smtp:Password"] = "a good password" }))
        {
            await SettledAsync(service, await WriteToAsync(service, "amal"), DeliveryState.Sent);
            sink.Received.ShouldHaveSingleItem();
        }

        await using var wrong = await StartAsync(new() { ["Smtp:Port"] = $"{sink.Port}", ["Smtp:User"] = "kashif", ["Smtp:Password"] = "a bad one" });
        var delivery = await SettledAsync(wrong, await WriteToAsync(wrong, "amal"), DeliveryState.Dead);
        delivery.Attempts.ShouldBe(3); // the operator may mend it
        delivery.LastError.ShouldBe("smtp_535");
        sink.Received.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Nothing_is_said_in_the_clear_where_encryption_is_wanted()
    {
        await using var service = await StartAsync(new() { ["Smtp:Security"] = "StartTls", ["Smtp:User"] = "kashif", ["Smtp:Password"] = "secret" });
        (await SettledAsync(service, await WriteToAsync(service, "amal"), DeliveryState.Dead)).LastError.ShouldBe("smtp_unreachable");
        _sink.Said.ShouldNotBeEmpty();
        _sink.Said.ShouldAllBe(line => line.StartsWith("EHLO") || line.StartsWith("QUIT"));
    }

    [Fact]
    public async Task A_receipt_goes_to_the_address_of_who_wants_that_and_the_rest_does_not()
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
        _sink.Said.Count(line => line.StartsWith("RCPT")).ShouldBe(1);
    }

    [Fact]
    public async Task A_channel_that_is_off_is_left_alone_and_the_latest_choice_counts()
    {
        await using var service = await StartAsync();
        var user = Guid.CreateVersion7();
        var now = TimeProvider.System.GetUtcNow();
        using var registered = await service.RegisterAsync(user, "phone");

        // The later choice arrives first, and the registration last of all.
        await UpdateAsync(service, user, [], now);
        await service.PublishAsync(new UserUpdated(user, "Amal", "old@people.test", "ar", ["push", "email"]), time: now.AddMinutes(-1));
        await service.PublishAsync(new UserRegistered(user, "Amal", "older@people.test", "ar"), time: now.AddMinutes(-2));
        await service.WaitForFeedAsync(user, 1);
        await service.PublishAsync(new CouponRedeemed(Guid.CreateVersion7(), user, 7, "Free coffee", "CODE", 50));

        var inbox = await service.WaitForFeedAsync(user, 2);
        inbox[0].GetProperty("title").GetString().ShouldBe("Coupon redeemed"); // in English, as chosen last
        (await service.QueryAsync(database => database.Deliveries.CountAsync(row => row.NotificationId != null && database.Notifications.Any(told => told.Id == row.NotificationId && told.UserId == user), Cancel))).ShouldBe(0);

        // A letter goes all the same.
        await SettledAsync(service, await WriteToAsync(service, "amal", user), DeliveryState.Sent);
        _sink.Received.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_receipt_that_waits_is_not_sent_to_who_has_had_enough()
    {
        var stuck = new StuckSender();
        await using var service = await StartAsync(sender: stuck);
        var user = Guid.CreateVersion7();
        await UpdateAsync(service, user, ["email"]);
        await WriteToAsync(service, "busy-worker");
        await stuck.Taken;

        await service.PublishAsync(new CouponRedeemed(Guid.CreateVersion7(), user, 7, "Free coffee", "CODE", 50));
        var notification = (await service.WaitForFeedAsync(user, 1))[0].GetProperty("id").GetGuid();
        await UpdateAsync(service, user, ["push"]);
        stuck.Release();

        (await service.DeliveryAsync(notification, DeliveryState.Failed)).LastError.ShouldBe("recipient_removed");
        stuck.Sent.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Without_a_server_mails_are_files_for_the_developer()
    {
        var directory = Directory.CreateTempSubdirectory("kashif-mail-");
        try
        {
            await using var service = await StartAsync(new() { ["Smtp:Host"] = "", ["Smtp:PickupDirectory"] = directory.FullName });
            await SettledAsync(service, await WriteToAsync(service, "amal"), DeliveryState.Sent);

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
            ["Smtp:Timeout"] = "00:00:00.5",
            ["Links:App"] = "https://app.kashif.test",
            ["Delivery:MaxAttempts"] = "3",
            ["Delivery:RetryDelay"] = "00:00:00.05",
            ["Delivery:Poll"] = "00:00:00.05",
            ["Delivery:Lease"] = "00:00:03",
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

    /// <summary>Has a letter sent.</summary>
    private static async Task<Guid> WriteToAsync(NotificationsService service, string name, Guid? user = null)
    {
        var id = user ?? Guid.CreateVersion7();
        await service.PublishAsync(new PasswordResetRequested(id, $"{name}@people.test", Token, "en"));
        return id;
    }

    /// <summary>Waits until the user's letter has come to this end; nothing of it is left then.</summary>
    private static async Task<ChannelDelivery> SettledAsync(NotificationsService service, Guid user, string state)
    {
        ChannelDelivery? delivery = null;
        await Eventually.TrueAsync(
            async () => (delivery = await service.QueryAsync(database => database.Deliveries.AsNoTracking()
                .SingleOrDefaultAsync(row => row.UserId == user && row.State == state, Cancel))) is not null,
            $"a letter that is {state}");
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

    /// <summary>Does not come back from its first call before it is released.</summary>
    private sealed class StuckSender : IMailSender
    {
        private readonly TaskCompletionSource _taken = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Taken => _taken.Task;

        public List<Mail> Sent { get; } = [];

        public void Release() => _released.TrySetResult();

        public async Task<IReadOnlyList<SendOutcome>> SendAsync(IReadOnlyList<Mail> mails, CancellationToken cancellationToken)
        {
            Sent.AddRange(mails);
            _taken.TrySetResult();
            await _released.Task;
            return [.. mails.Select(_ => new SendOutcome(SendResult.Sent))];
        }
    }
}
