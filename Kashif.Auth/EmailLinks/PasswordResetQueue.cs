using System.Diagnostics;
using System.Security.Cryptography;
using System.Threading.Channels;
using Kashif.Auth.Audit;
using Kashif.Auth.Customers;
using Kashif.Auth.Data;
using Kashif.Auth.Users;
using Kashif.Http;
using Kashif.Messaging.Events;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.EmailLinks;

/// <summary>
/// Handles "forgot password" after the request has been answered, so that neither the answer nor its time depends on whether the
/// account exists. Waiting requests are lost if the process is killed; the user asks again.
/// </summary>
internal sealed partial class PasswordResetQueue(
    IServiceScopeFactory scopes, ILogger<PasswordResetQueue> logger) : BackgroundService
{
    private const int Longest = 1000;

    /// <summary>Milliseconds between the answer and the work.</summary>
    private const int ShortestWait = 200;
    private const int LongestWait = 1000;

    private readonly Channel<Request> _queue = Channel.CreateBounded<Request>(new BoundedChannelOptions(Longest) { SingleReader = true });

    /// <returns>False if the queue is full.</returns>
    public bool TryEnqueue(string email, HttpContext http) => _queue.Writer.TryWrite(new Request(
        EmailAddress.Normalize(email), http.ClientIpAddress, http.ClientUserAgent, new EventCause(Activity.Current?.Id, CorrelationId.Current)));

    /// <summary>Handles the waiting requests before it stops.</summary>
    public override Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Writer.TryComplete();
        return base.StopAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (await _queue.Reader.WaitToReadAsync(CancellationToken.None))
        {
            // Immediate work would slow down the answer, for existing accounts only. A stop skips the delay.
            await Task.Delay(RandomNumberGenerator.GetInt32(ShortestWait, LongestWait), stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            for (var waiting = _queue.Reader.Count; waiting > 0 && _queue.Reader.TryRead(out var request); waiting--)
            {
                try
                {
                    await SendLinkAsync(request);
                }
                catch (Exception exception)
                {
                    NotSent(logger, exception);
                }
            }
        }
    }

    private async Task SendLinkAsync(Request request)
    {
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<AuthDbContext>();
        if (await database.Users.Where(user => user.NormalizedEmail == request.Email).Select(user => (Guid?)user.Id).SingleOrDefaultAsync() is not { } id)
        {
            await OfferTakeOverAsync(scope.ServiceProvider, database, request);
            return;
        }

        var tokens = scope.ServiceProvider.GetRequiredService<EmailTokens>();
        await using var transaction = await database.Database.BeginTransactionAsync();
        if (await tokens.LockAsync(id, CancellationToken.None) is { } user
            && await tokens.MaySendAsync(id, user.Email, EmailTokenPurpose.ResetPassword, CancellationToken.None))
        {
            tokens.AddReset(id, user.Email, user.Language, request.Cause);
            scope.ServiceProvider.GetRequiredService<AuditLog>().Record(id, AuditActions.PasswordResetRequested, request.Address, request.UserAgent);
            await database.SaveChangesAsync();
            await transaction.CommitAsync();
        }
    }

    /// <summary>The account that customer service has made has no password yet: its owner gets a link to choose one.</summary>
    private static async Task OfferTakeOverAsync(IServiceProvider services, AuthDbContext database, Request request)
    {
        await using var transaction = await database.Database.BeginTransactionAsync();
        await services.GetRequiredService<Invitations>().OfferAsync(request.Email, CancellationToken.None, request.Cause);
        await transaction.CommitAsync();
    }

    [LoggerMessage(EventId = 2003, Level = LogLevel.Warning, Message = "Could not send a password reset link; the user has to request it again")]
    private static partial void NotSent(ILogger logger, Exception exception);

    private sealed record Request(string Email, string? Address, string? UserAgent, EventCause Cause);
}
