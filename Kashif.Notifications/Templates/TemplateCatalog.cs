using System.Collections.Concurrent;
using Kashif.Notifications.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Templates;

/// <summary>The texts in memory, so that no notification waits for the database. Each replica looks for changes every two seconds.</summary>
internal sealed partial class TemplateCatalog(IServiceScopeFactory scopes, TimeProvider time, ILogger<TemplateCatalog> logger) : BackgroundService
{
    private const int MaxUnknown = 1000;
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();

    /// <summary>Codes that were not in the database, and until when not to look again.</summary>
    private readonly ConcurrentDictionary<string, DateTimeOffset> _unknown = [];
    private volatile TemplateSet _current = new([], [], (_, _) => { });

    public TemplateSet Current => _current;

    /// <summary>A code whose messages callers may send; null for an unknown one, a mail about an account, and a digest.</summary>
    public TemplateDefinition? Find(string code) =>
        Current.Definitions.TryGetValue(code, out var definition) && !definition.IsAccountMail && code != TemplateCodes.Digest ? definition : null;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await TryRefreshAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <summary>Looks at once for codes that this replica does not know: another may have added them within the last two seconds.</summary>
    public async ValueTask FindNewAsync(IEnumerable<string?> codes, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var missing = codes.OfType<string>()
            .Where(code => code.Length <= TemplateCodes.MaxLength && !Current.Definitions.ContainsKey(code) && !(_unknown.TryGetValue(code, out var until) && until > now))
            .Take(MaxUnknown).ToList();
        if (missing.Count == 0)
        {
            return;
        }

        await TryRefreshAsync(cancellationToken);
        if (_unknown.Count > MaxUnknown)
        {
            _unknown.Clear();
        }

        foreach (var code in missing.Where(code => !Current.Definitions.ContainsKey(code)))
        {
            _unknown[code] = now + Poll;
        }
    }

    /// <summary>Takes over what has changed in the database. If that fails, the next poll does it.</summary>
    public async Task TryRefreshAsync(CancellationToken cancellationToken)
    {
        try
        {
            await RefreshAsync(cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogRefreshFailed(exception);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Poll, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await TryRefreshAsync(stoppingToken);
        }
    }

    private async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<NotificationsDbContext>();
        if (await database.TemplateVersions.MaxAsync(text => (long?)text.Id, cancellationToken) is not { } last || last == _current.Last)
        {
            return;
        }

        // The codes second: a code that is newer than the texts is harmless, and a text without its code would be left out.
        var texts = await database.TemplateVersions.AsNoTracking().Latest(database).ToListAsync(cancellationToken);
        var own = await database.OwnTemplates.AsNoTracking().ToListAsync(cancellationToken);
        var read = new TemplateSet(texts, own.Select(TemplateVariables.ToDefinition), (text, invalid) => LogInvalid(invalid, text.Code, text.Language, text.Channel, text.Version));
        lock (_lock)
        {
            _current = read.Last > _current.Last ? read : _current;
        }
    }

    [LoggerMessage(EventId = 6021, Level = LogLevel.Warning, Message = "Could not read the templates; using the last ones")]
    private partial void LogRefreshFailed(Exception exception);

    [LoggerMessage(EventId = 6022, Level = LogLevel.Error, Message = "Version {Version} of the template {Code} in {Language} for {Channel} is no longer valid; using the default")]
    private partial void LogInvalid(Exception exception, string code, string language, string channel, int version);
}

internal static class TemplateQueries
{
    /// <summary>The last version of each text.</summary>
    public static IQueryable<TemplateVersion> Latest(this IQueryable<TemplateVersion> texts, NotificationsDbContext database) =>
        texts.Where(text => !database.TemplateVersions.Any(later =>
            later.Code == text.Code && later.Language == text.Language && later.Channel == text.Channel && later.Version > text.Version));
}
