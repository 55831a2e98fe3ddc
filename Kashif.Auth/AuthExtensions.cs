using Kashif.Auth.ApiKeys;
using Kashif.Auth.Accounts;
using Kashif.Auth.Audit;
using Kashif.Auth.Bootstrap;
using Kashif.Auth.Customers;
using Kashif.Auth.Data;
using Kashif.Auth.Deletion;
using Kashif.Auth.EmailLinks;
using Kashif.Auth.Sessions;
using Kashif.Auth.SignIn;
using Kashif.Auth.Tokens;
using Kashif.Auth.Users;
using Kashif.Cache;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Events;
using Kashif.Security;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace Kashif.Auth;

internal static class AuthExtensions
{
    public static IHostApplicationBuilder AddAuth(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<AuthOptions>().BindConfiguration(AuthOptions.Section).ValidateDataAnnotations().ValidateOnStart()
            .Validate<IHostEnvironment>(
                (auth, environment) => auth.PasswordIterations >= PasswordHashing.MinIterations || environment.IsDevelopment(),
                $"Auth:PasswordIterations must be at least {PasswordHashing.MinIterations}. Only in Development may it be lower, for tests.");
        services.AddSingleton<SigningKeyCache>();

        // Auth validates its own tokens with the keys in memory, not over HTTP like the other services.
        services.AddSingleton<TokenValidationKeys>(provider => provider.GetRequiredService<SigningKeyCache>());
        services.AddScoped<KeyRotation>();
        services.AddKeyCommands();
        builder.AddKashifAuthentication();

        // Every request comes through the gateway, which overwrites X-Forwarded-For.
        services.Configure<ForwardedHeadersOptions>(options =>
        {
            options.ForwardedHeaders = ForwardedHeaders.XForwardedFor;
            options.KnownIPNetworks.Clear();
            options.KnownProxies.Clear();
        });

        services.AddValidation();
        services.AddJsonContext(AuthJson.Default);
        builder.AddKashifDbContext<AuthDbContext>(ResourceNames.AuthDb);
        builder.AddEventConsumer<AuthDbContext>()
            .AddHandler<UserDataErased, DeletionReceipts>("deletion.receipts")
            .AddHandler<DeadLettersReplayed, ReplayAudit>("audit.replays");
        services.AddOptions<DatabaseOptions>().Configure<IOptions<AuthOptions>>((database, auth) =>
            database.FingerprintKeys = [.. auth.Value.Secrets.All.Select(secret => DerivedKey.Of(secret, DerivedKey.Fingerprints))]);
        services.AddSingleton<IPasswordHasher<object>, PasswordHasher<object>>();
        services.AddOptions<PasswordHasherOptions>().Configure<IOptions<AuthOptions>>((hasher, auth) => hasher.IterationCount = auth.Value.PasswordIterations);
        services.AddSingleton<PasswordHashing>();
        builder.AddKashifCache(provider => provider.GetRequiredService<IOptions<AuthOptions>>().Value.Throttle.RedisTimeout);
        services.AddSingleton<LoginThrottle>();
        services.AddSingleton<DeviceTokens>();
        services.AddScoped<Registration>();
        services.AddScoped<EmailTokens>();
        services.AddScoped<EmailVerification>();
        services.AddScoped<PasswordReset>();
        services.AddSingleton<PasswordResetQueue>();
        services.AddScoped<Invitations>();
        services.AddScoped<TakeOver>();
        services.AddScoped<SecondFactor>();
        services.AddScoped<PasswordLogin>();
        services.AddScoped<SessionTokens>();
        services.AddSingleton<AccessTokens>();
        services.AddHttpContextAccessor();
        services.AddScoped<AuditLog>();
        services.AddScoped<ApiKeyRevocation>();
        services.AddScoped<SecurityNotices>();
        services.AddScoped<AccountErasure>();

        // They start in this order, after the migrations.
        services.AddHostedService<Reencryption>();
        services.AddHostedService<KeyRotationSchedule>();
        services.AddHostedService<TokenDenialPublisher>();
        services.AddHostedService<FirstAdmin>();
        services.AddHostedService<SessionCleanup>();
        services.AddHostedService<EmailTokenCleanup>();
        services.AddHostedService<InvitationCleanup>();
        services.AddHostedService<AuditCleanup>();
        services.AddHostedService<DeletionSweep>();
        services.AddHostedService(provider => provider.GetRequiredService<PasswordResetQueue>());
        services.AddSingleton<UserReader>();
        services.AddHostedService(provider => provider.GetRequiredService<UserReader>());
        return builder;
    }
}
