using System.Text.Json;
using System.Text.Json.Nodes;
using Kashif.Notifications.Data;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Dispatch;
using Kashif.Notifications.Preferences;
using Kashif.Notifications.Topics;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Sending;

/// <param name="Variables">An object.</param>
internal sealed record SendCommand(string Sender, byte[] Fingerprint, SendNotificationRequest Request, JsonElement Variables);

/// <summary>Stores messages and writes their notifications.</summary>
internal sealed class SendService(NotificationsDbContext database, NotificationWriter writer, SendSignal signal, TimeProvider time)
{
    /// <summary>How many users of a topic get their notification in one transaction.</summary>
    public const int Batch = 500;

    /// <returns>The message that the sender has sent under this name; null if there is none.</returns>
    public Task<SendRequest?> FindAsync(SendCommand command, CancellationToken cancellationToken) => database.SendRequests.AsNoTracking()
        .SingleOrDefaultAsync(request => request.Sender == command.Sender && request.RequestId == command.Request.RequestId, cancellationToken);

    /// <summary>Holds off the deletion of an administrator's own template until the transaction ends.</summary>
    /// <returns>False if it is deleted.</returns>
    public async Task<bool> KeepTemplateAsync(string code, CancellationToken cancellationToken) => await database.Database
        .SqlQuery<string>($"""SELECT code AS "Value" FROM own_templates WHERE code = {code} FOR KEY SHARE""")
        .ToListAsync(cancellationToken) is [_];

    /// <summary>Stores the message in the caller's transaction, and with it the notification of a single user that is due now.</summary>
    /// <returns>The stored message, which may be of a parallel request under the same name; null if the user is unknown.</returns>
    public async Task<SendRequest?> StoreAsync(SendCommand command, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var wanted = command.Request;
        var isNow = wanted.SendAt is null && wanted.UserId is not null;
        var request = new SendRequest
        {
            Id = Guid.CreateVersion7(now),
            Sender = command.Sender,
            RequestId = wanted.RequestId,
            Fingerprint = command.Fingerprint,
            Channel = wanted.NotificationType is DeliveryChannel.Push ? ChannelNames.Push : ChannelNames.Email,
            UserId = wanted.UserId,
            Topic = wanted.Topic,
            TemplateCode = wanted.TemplateCode,
            Variables = isNow ? null : command.Variables.GetRawText(),
            Priority = wanted.Priority,
            ExpiresAt = wanted.ExpiresAt,
            Status = isNow ? SendStatus.Queued : wanted.SendAt is null ? SendStatus.Accepted : SendStatus.Scheduled,
            DueAt = wanted.SendAt ?? now,
            CreatedAt = now,
        };

        if (wanted.UserId is { } user && await LockUsersAsync([user], cancellationToken) is [])
        {
            return null;
        }

        var isNew = await database.Database.ExecuteSqlAsync($"""
            INSERT INTO send_requests (id, sender, request_id, fingerprint, channel, user_id, topic, template_code, variables, priority, expires_at, status, due_at, created_at)
            VALUES ({request.Id}, {request.Sender}, {request.RequestId}, {request.Fingerprint}, {request.Channel}, {request.UserId}, {request.Topic}, {request.TemplateCode},
                {request.Variables}::jsonb, {(short)request.Priority}, {request.ExpiresAt}, {request.Status}, {request.DueAt}, {request.CreatedAt})
            ON CONFLICT (sender, request_id) DO NOTHING
            """, cancellationToken) == 1;
        if (!isNew)
        {
            return await FindAsync(command, cancellationToken);
        }

        if (isNow && wanted.UserId is { } recipient)
        {
            await WriteAsync(request, command.Variables.GetRawText(), [recipient], cancellationToken);
        }

        return request;
    }

    /// <summary>Call after the commit.</summary>
    public void Committed(SendRequest request)
    {
        writer.Committed();
        if (request.Status == SendStatus.Accepted)
        {
            signal.Set();
        }
    }

    /// <summary>Takes the next step of one due message: its notification, or the next batch of its topic's.</summary>
    /// <returns>False if none is due.</returns>
    public async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var due = await database.SendRequests
            .FromSql($"""
                SELECT * FROM send_requests WHERE status IN ('scheduled', 'accepted') AND due_at <= {now}
                ORDER BY priority DESC, due_at LIMIT 1 FOR UPDATE SKIP LOCKED
                """)
            .AsNoTracking().ToListAsync(cancellationToken);
        if (due is not [var request])
        {
            return false;
        }

        var (status, last) = (SendStatus.Expired, request.LastUserId);
        if (request.ExpiresAt is null || request.ExpiresAt > now)
        {
            var users = await NextUsersAsync(request, cancellationToken);
            await WriteAsync(request, request.Variables ?? "{}", users, cancellationToken);
            status = request.Topic is not null && users.Count == Batch ? SendStatus.Accepted : SendStatus.Queued;
            last = users is [.., var user] ? user : last;
        }

        // Due again at the end of the line, so that a long broadcast keeps no other message waiting.
        await database.SendRequests.Where(row => row.Id == request.Id).ExecuteUpdateAsync(
            set => set
                .SetProperty(row => row.Status, status)
                .SetProperty(row => row.LastUserId, last)
                .SetProperty(row => row.DueAt, now)
                .SetProperty(row => row.Variables, row => status == SendStatus.Accepted ? row.Variables : null),
            cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        writer.Committed();
        return true;
    }

    private Task<List<Guid>> NextUsersAsync(SendRequest request, CancellationToken cancellationToken)
    {
        var after = request.LastUserId ?? Guid.Empty;
        return request switch
        {
            { UserId: { } user } => LockUsersAsync([user], cancellationToken),
            { Topic: TopicSubscription.All } => database.Database
                .SqlQuery<Guid>($"""SELECT user_id AS "Value" FROM recipients WHERE user_id > {after} ORDER BY user_id LIMIT {Batch} FOR KEY SHARE""")
                .ToListAsync(cancellationToken),
            _ => database.Database
                .SqlQuery<Guid>($"""
                    SELECT user_id AS "Value" FROM topic_subscriptions JOIN recipients USING (user_id) WHERE topic = {request.Topic} AND user_id > {after}
                    ORDER BY user_id LIMIT {Batch} FOR KEY SHARE OF recipients
                    """)
                .ToListAsync(cancellationToken),
        };
    }

    /// <summary>Holds off the erasure of the users until the transaction ends, so that it erases what is written here.</summary>
    /// <returns>Those of the users who exist.</returns>
    private Task<List<Guid>> LockUsersAsync(Guid[] users, CancellationToken cancellationToken) => database.Database
        .SqlQuery<Guid>($"""SELECT user_id AS "Value" FROM recipients WHERE user_id = ANY({users}) FOR KEY SHARE""")
        .ToListAsync(cancellationToken);

    private Task WriteAsync(SendRequest request, string variables, IReadOnlyList<Guid> users, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var parsed = JsonNode.Parse(variables)?.AsObject() ?? [];
        writer.Add(users.Select(user => new NotificationDraft(
            CauseId.Of(request.Id, user), user, NotificationTypes.TypeOf(request.TemplateCode), request.TemplateCode, parsed, new Dictionary<string, string>(), now)
        {
            RequestId = request.Id,
            Priority = request.Priority,
            ExpiresAt = request.ExpiresAt,
            ByPush = request.Channel == ChannelNames.Push,
            ByEmail = request.Channel == ChannelNames.Email,
        }));
        return writer.CompleteAsync(cancellationToken);
    }
}
