using System.Net.Http.Headers;
using System.Security.Claims;
using Kashif.Http;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.DeadLetters;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Messaging.RabbitMq;
using Kashif.Security;
using Kashif.Testing;
using Kashif.Validation;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Kashif.Messaging.Tests;

/// <summary>A minimal service: its API creates notes, and its consumer counts reports.</summary>
internal sealed class SampleService : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly MessagingServers _servers;

    private SampleService(WebApplication application, MessagingServers servers, string database)
    {
        _application = application;
        _servers = servers;
        Database = database;
    }

    public string Database { get; }
    public IServiceProvider Services => _application.Services;
    public CapturedLogs Logs => Services.GetRequiredService<CapturedLogs>();
    public HandlerControl Control => Services.GetRequiredService<HandlerControl>();

    /// <param name="service">The service whose queue it consumes. Concurrent tests must not consume the same queue.</param>
    /// <param name="newer">Whether it is of a newer version, which handles one more type: <see cref="ReportStatusUpdated"/>.</param>
    /// <param name="messaging">Another address of the broker.</param>
    public static async Task<SampleService> StartAsync(
        MessagingServers servers, string service, bool consume = false, string? database = null, TimeSpan[]? retryDelays = null,
        bool newer = false, string? messaging = null, Action<MessagingOptions>? configure = null, TimeProvider? time = null,
        Action<IServiceCollection>? services = null)
    {
        var isNew = database is null;

        // EF Core keeps the pool of a host that has ended. Its idle connections are closed soon: the tests start many hosts.
        database ??= new NpgsqlConnectionStringBuilder(servers.Servers.DatabaseServer)
        {
            Database = $"sample-{Guid.CreateVersion7():N}",
            ConnectionIdleLifetime = 3,
            ConnectionPruningInterval = 1,
        }.ConnectionString;

        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:sample-db"] = database,
            [$"ConnectionStrings:{ResourceNames.Messaging}"] = messaging ?? servers.Servers.Messaging,
            [$"services:{ResourceNames.Auth}:http:0"] = servers.Issuer.Address,
            ["Database:MigrateAtStart"] = "false",
            ["Shutdown:Delay"] = "00:00:00",
        });
        builder.AddServiceDefaults(service);
        builder.AddKashifAuthentication();
        builder.Services.AddValidation();
        builder.AddKashifDbContext<SampleDbContext>("sample-db");
        builder.Services.AddSingleton<HandlerControl>();
        builder.Services.AddSingleton(time ?? TimeProvider.System);
        builder.Services.AddSingleton<CapturedLogs>();
        builder.Services.AddSingleton<ILoggerProvider>(provider => provider.GetRequiredService<CapturedLogs>());
        builder.Services.Configure<MessagingOptions>(options =>
        {
            options.RetryDelays = retryDelays;
            options.ConfirmTimeout = TimeSpan.FromMinutes(2); // a second publication is allowed, but the tests count
            configure?.Invoke(options);
        });
        if (consume)
        {
            var consumer = builder.AddEventConsumer<SampleDbContext>()
                .AddHandler<ReportCreated, CountReports>("count").AddHandler<UserDeleted, SampleErasure>("an erasure");
            if (newer)
            {
                consumer.AddHandler<ReportStatusUpdated, CountChanges>("count-changes");
            }
        }

        services?.Invoke(builder.Services);
        var application = builder.Build();
        if (isNew)
        {
            await using var scope = application.Services.CreateAsyncScope();
            await scope.ServiceProvider.GetRequiredService<SampleDbContext>().Database.EnsureCreatedAsync();
        }

        application.UseServiceDefaults();
        var notes = application.MapGroup("/api/v1/notes");
        notes.MapPost("/", NoteEndpoints.CreateAsync).WithIdempotency();
        notes.MapGet("/{id:guid}", NoteEndpoints.GetAsync).AllowAnonymous().WithPublicCache(TimeSpan.FromSeconds(5));
        notes.MapGet("/search", NoteEndpoints.Search).AllowAnonymous();
        notes.MapGet("/staff", () => "staff").RequireAuthorization(Policies.Staff);
        notes.MapGet("/service", () => "service").RequireAuthorization(ServiceScopes.DebitPoints);
        notes.MapGet("/bug", NoteEndpoints.Bug).AllowAnonymous();
        notes.MapGet("/deadlock", NoteEndpoints.Deadlock).AllowAnonymous();
        application.MapDeadLetters("/api/v1/sample", "Sample");
        application.MapDefaultEndpoints();
        await application.StartAsync();
        if (consume)
        {
            // Without a queue, published events would be lost.
            await application.Services.GetRequiredService<Broker>().DeclareTopologyAsync(CancellationToken.None);
        }

        return new SampleService(application, servers, database);
    }

    /// <summary>A client that does not send a body before the service wants it.</summary>
    public HttpClient Anonymous() => new(new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromMinutes(1) }) { BaseAddress = new Uri(_application.Urls.First()) };

    public HttpClient As(Guid userId, params string[] roles) => With(_servers.Issuer.TokenFor(userId, roles));

    public HttpClient With(string token)
    {
        var client = Anonymous();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    /// <summary>Runs work on the service's <see cref="SampleDbContext"/>.</summary>
    public async Task<T> WithDbAsync<T>(Func<SampleDbContext, Task<T>> work)
    {
        await using var scope = Services.CreateAsyncScope();
        return await work(scope.ServiceProvider.GetRequiredService<SampleDbContext>());
    }

    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync();
        await _application.DisposeAsync();
    }
}

internal sealed class SampleDbContext(DbContextOptions<SampleDbContext> options) : DbContext(options)
{
    public DbSet<Note> Notes => Set<Note>();
    public DbSet<CountedReport> Counted => Set<CountedReport>();

    protected override void OnModelCreating(ModelBuilder modelBuilder) => modelBuilder.ApplyKashifConventions(this);
}

internal sealed class Note
{
    public Guid Id { get; init; }
    public Guid UserId { get; init; }
    public required string Title { get; init; }
    public double Latitude { get; init; }
}

/// <summary>One row for each time that the handler counted a report. Two rows for one event mean a broken inbox.</summary>
internal sealed class CountedReport
{
    public long Id { get; init; }
    public Guid ReportId { get; init; }
}

/// <summary>Makes the handler fail for some reports.</summary>
internal sealed class HandlerControl
{
    /// <summary>A lock in the database that the handler takes.</summary>
    public const long Lock = 4711;

    public HashSet<Guid> Poison { get; } = [];

    /// <summary>A report for which the handler waits for <see cref="Lock"/>.</summary>
    public Guid? Locked { get; set; }

    /// <summary>The handler waits for this.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;
    public int Entered;
    public int Committed;

    /// <summary>Runs when events are handled and committed.</summary>
    public Action? OnCommitted { get; set; }
}

internal sealed class CountReports(SampleDbContext database, HandlerControl control) : IEventHandler<ReportCreated>
{
    public async Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportCreated>> events, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref control.Entered);
        await control.Gate.WaitAsync(cancellationToken);
        foreach (var received in events)
        {
            if (control.Poison.Contains(received.Data.ReportId))
            {
                throw new InvalidOperationException("This report is poison.");
            }

            if (control.Locked == received.Data.ReportId)
            {
                database.Database.SetCommandTimeout(1);
                await database.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({HandlerControl.Lock})", cancellationToken);
            }

            database.Counted.Add(new CountedReport { ReportId = received.Data.ReportId });
        }
    }

    public Task CommittedAsync(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref control.Committed);
        control.OnCommitted?.Invoke();
        return Task.CompletedTask;
    }
}

/// <summary>Counted reports have no user.</summary>
internal sealed class SampleErasure(SampleDbContext database, ServiceIdentity service, TimeProvider time) : UserErasure(database, service, time)
{
    protected override Task EraseAsync(Guid userId, CancellationToken cancellationToken) => Task.CompletedTask;
}

internal sealed class CountChanges(SampleDbContext database) : IEventHandler<ReportStatusUpdated>
{
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportStatusUpdated>> events, CancellationToken cancellationToken)
    {
        database.Counted.AddRange(events.Select(received => new CountedReport { ReportId = received.Data.ReportId }));
        return Task.CompletedTask;
    }
}

public sealed record CreateNoteRequest(
    [property: Text(3, 100)] string Title,
    [property: Between(-90.0, 90.0)] double Latitude,
    string? Comment = null);

internal sealed record NoteResponse(Guid Id, string Title, double Latitude);

internal static class NoteEndpoints
{
    /// <summary>A title that the handler rejects after the idempotency key was claimed.</summary>
    public const string Refused = "refused";

    /// <summary>A title for which the handler saves without its unit of work.</summary>
    public const string Forgotten = "forgotten";

    public static async Task<IResult> CreateAsync(
        CreateNoteRequest request, ClaimsPrincipal user, SampleDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        if (request.Title == Refused)
        {
            return Error.Rule("refused", "Not this one.").ToProblem();
        }

        var note = new Note { Id = Guid.CreateVersion7(), UserId = user.UserId, Title = request.Title, Latitude = request.Latitude };
        database.Notes.Add(note);
        database.Publish(new ReportCreated(note.Id, user.UserId, note.Title, "pothole", note.Latitude, 0), time.GetUtcNow());
        var created = TypedResults.Created($"/api/v1/notes/{note.Id}", new NoteResponse(note.Id, note.Title, note.Latitude));
        if (request.Title == Forgotten)
        {
            await database.SaveChangesAsync(cancellationToken);
            return created;
        }

        return await work.CommitAsync(created, cancellationToken);
    }

    public static async Task<IResult> GetAsync(Guid id, SampleDbContext database, CancellationToken cancellationToken) =>
        await database.Notes.Where(note => note.Id == id).Select(note => new NoteResponse(note.Id, note.Title, note.Latitude)).SingleOrDefaultAsync(cancellationToken)
            is { } note ? TypedResults.Ok(note) : Error.NotFound("There is no such note.").ToProblem();

    public static IResult Search([AsParameters] PageRequest page, [FromQuery(Name = "since")] DateTimeOffset? since) =>
        TypedResults.Ok(since?.ToUnixTimeSeconds() ?? page.Size);

    public static string Bug() => throw new InvalidOperationException("secret detail");

    /// <summary>Throws like EF if a save is the victim of a deadlock.</summary>
    public static string Deadlock() => throw new DbUpdateException(
        "The save failed.", new PostgresException("deadlock detected", "ERROR", "ERROR", PostgresErrorCodes.DeadlockDetected));
}
