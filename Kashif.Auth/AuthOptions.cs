using System.ComponentModel.DataAnnotations;
using Kashif.Auth.Users;
using Kashif.Security;

namespace Kashif.Auth;

/// <summary>Section <c>Auth</c>.</summary>
internal sealed class AuthOptions : IValidatableObject
{
    public const string Section = "Auth";
    public const int MinSecretLength = 32;

    /// <summary>The public URL of this service, through the gateway. It is the <c>iss</c> of every token.</summary>
    [Required(ErrorMessage = "Auth:Issuer is not set: the public address of Auth, for example http://localhost:8000/api/v1/auth.")]
    public string Issuer { get; set; } = "";

    /// <summary>Encrypts the signing keys in the database, and is never stored there.</summary>
    [Required(ErrorMessage = "Auth:SigningKeySecret is not set: a random secret of at least 32 characters (openssl rand -base64 48) that encrypts the signing keys. Keep it: without it the keys are lost.")]
    public string SigningKeySecret { get; set; } = "";

    /// <summary>Decrypts too, and encrypts nothing: the former secret after a change, or the next one before it.</summary>
    public string OtherSigningKeySecret { get; set; } = "";

    /// <summary>The services that may request a token, by client id.</summary>
    public Dictionary<string, ServiceClient> ServiceClients { get; } = [];

    /// <summary>
    /// Whether accounts may have addresses with characters outside ASCII before the @. Turn it on only if the mail server offers SMTPUTF8
    /// (RFC 6531): without it such an address gets no mail, so it can never be verified.
    /// </summary>
    public bool NonAsciiMailboxes { get; set; }

    public FirstAdminOptions Admin { get; } = new();
    public KeyRotationOptions KeyRotation { get; } = new();
    public ThrottleOptions Throttle { get; } = new();
    public DeletionOptions Deletion { get; } = new();

    public TimeSpan AccessTokenLifetime { get; set; } = TimeSpan.FromMinutes(15);
    public TimeSpan ServiceTokenLifetime { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a session lasts after its last refresh.</summary>
    public TimeSpan SessionLifetime { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long a session lasts at most, however often it is refreshed.</summary>
    public TimeSpan LongestSession { get; set; } = TimeSpan.FromDays(365);

    /// <summary>How long a used refresh token still returns the same successor. Zero turns this off.</summary>
    public TimeSpan RefreshGrace { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The cost of a new password hash. The next login hashes a password with a lower cost again.</summary>
    public int PasswordIterations { get; set; } = PasswordHashing.MinIterations;

    /// <summary>How long a password may wait for a free core before the request gets a 503.</summary>
    public TimeSpan LongestHashingWait { get; set; } = TimeSpan.FromSeconds(15);

    internal RootSecrets Secrets => new(SigningKeySecret, OtherSigningKeySecret.Length == 0 ? null : OtherSigningKeySecret);

    /// <summary>How long entries of the audit log are kept.</summary>
    public TimeSpan AuditRetention { get; set; } = TimeSpan.FromDays(730);

    internal TimeSpan LongestTokenLifetime => AccessTokenLifetime > ServiceTokenLifetime ? AccessTokenLifetime : ServiceTokenLifetime;

    /// <summary>How long after its issue a token may still be accepted by a machine whose clock is behind.</summary>
    internal TimeSpan LongestTokenUse => LongestTokenLifetime + TimeSpan.FromMinutes(1);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
        [.. CheckIssuerAndSecrets(), .. CheckClients(), .. CheckLifetimes(), .. CheckSchedules(), .. CheckAdmin(validationContext)];

    private IEnumerable<ValidationResult> CheckIssuerAndSecrets()
    {
        if (!Uri.TryCreate(Issuer, UriKind.Absolute, out var issuer) || issuer.Scheme is not ("http" or "https") || Issuer.EndsWith('/'))
        {
            yield return new ValidationResult("Auth:Issuer must be an absolute http or https URL without a trailing slash.");
        }

        if (SigningKeySecret.Length < MinSecretLength || SigningKeySecret.Distinct().Count() < 10)
        {
            yield return new ValidationResult(
                $"Auth:SigningKeySecret must be random and have at least {MinSecretLength} characters; make one with: openssl rand -base64 48.");
        }

        if (OtherSigningKeySecret.Length > 0 && (OtherSigningKeySecret.Length < MinSecretLength || OtherSigningKeySecret == SigningKeySecret))
        {
            yield return new ValidationResult(
                $"Auth:OtherSigningKeySecret must have at least {MinSecretLength} characters and differ from Auth:SigningKeySecret. Leave it out unless the secret is being changed.");
        }
    }

    private IEnumerable<ValidationResult> CheckClients()
    {
        foreach (var (id, client) in ServiceClients)
        {
            if (client.Secret.Length < MinSecretLength)
            {
                yield return new ValidationResult($"Auth:ServiceClients:{id}:Secret must be a random secret of at least {MinSecretLength} characters.");
            }
            else if (ServiceClients.Any(other => other.Key != id && other.Value.Secret == client.Secret))
            {
                yield return new ValidationResult($"Auth:ServiceClients:{id}:Secret is another client's secret too. Each client needs its own.");
            }

            if (client.ScopeList is not [_, ..] scopes || scopes.Except(ServiceScopes.All).Any())
            {
                yield return new ValidationResult($"Auth:ServiceClients:{id}:Scopes must be one or more of {string.Join(", ", ServiceScopes.All)}, separated by spaces.");
            }
        }
    }

    private IEnumerable<ValidationResult> CheckLifetimes()
    {
        if (AccessTokenLifetime <= TimeSpan.Zero || ServiceTokenLifetime <= TimeSpan.Zero || SessionLifetime <= AccessTokenLifetime)
        {
            yield return new ValidationResult("Auth:AccessTokenLifetime and Auth:ServiceTokenLifetime must be positive, and Auth:SessionLifetime longer than Auth:AccessTokenLifetime.");
        }

        if (LongestSession < SessionLifetime)
        {
            yield return new ValidationResult("Auth:LongestSession must not be shorter than Auth:SessionLifetime.");
        }

        if (RefreshGrace < TimeSpan.Zero || RefreshGrace > TimeSpan.FromMinutes(1))
        {
            yield return new ValidationResult("Auth:RefreshGrace must be between 00:00:00 (off) and 00:01:00: a stolen refresh token stays usable for that long.");
        }

        if (AuditRetention < TimeSpan.FromDays(365))
        {
            yield return new ValidationResult("Auth:AuditRetention must be at least 365.00:00:00: the database refuses to delete younger entries.");
        }

        if (LongestHashingWait <= TimeSpan.Zero)
        {
            yield return new ValidationResult("Auth:LongestHashingWait must be positive, for example 00:00:15.");
        }
    }

    private IEnumerable<ValidationResult> CheckSchedules()
    {
        if (Throttle.Window <= TimeSpan.Zero || Throttle.RedisTimeout <= TimeSpan.Zero || Throttle.DeviceLifetime <= TimeSpan.Zero
            || Throttle.PerAddress < 1 || Throttle.PerAccount < 1 || Throttle.PerAccountAndAddress < 1 || Throttle.PerDevice < 1)
        {
            yield return new ValidationResult(
                "Auth:Throttle: Window, RedisTimeout, DeviceLifetime, PerAddress, PerAccount, PerAccountAndAddress and PerDevice must be positive.");
        }

        if (KeyRotation.Poll <= TimeSpan.Zero || KeyRotation.Propagation <= KeyRotation.Poll)
        {
            yield return new ValidationResult("Auth:KeyRotation:Poll must be positive and Auth:KeyRotation:Propagation longer than it; otherwise a key signs before every replica publishes it.");
        }

        if (KeyRotation.Every < TimeSpan.Zero || (KeyRotation.Every > TimeSpan.Zero && KeyRotation.Every <= KeyRotation.Propagation))
        {
            yield return new ValidationResult("Auth:KeyRotation:Every must be longer than Auth:KeyRotation:Propagation, for example 90.00:00:00, or 00:00:00 for never.");
        }

        if (Deletion.Grace < TimeSpan.Zero || Deletion.Poll <= TimeSpan.Zero || Deletion.Repeat <= TimeSpan.Zero)
        {
            yield return new ValidationResult("Auth:Deletion:Poll and Auth:Deletion:Repeat must be positive. Auth:Deletion:Grace must not be negative.");
        }
    }

    private IEnumerable<ValidationResult> CheckAdmin(ValidationContext validationContext)
    {
        if (string.IsNullOrEmpty(Admin.Email) != string.IsNullOrEmpty(Admin.Password))
        {
            yield return new ValidationResult("Auth:Admin:Email and Auth:Admin:Password create the first admin: set both or neither.");
        }
        else if (Admin.IsSet)
        {
            if (EmailAddress.ErrorOf(Admin.Email ?? "", NonAsciiMailboxes) is not null)
            {
                yield return new ValidationResult("Auth:Admin:Email is not a valid e-mail address.");
            }

            if (new PasswordAttribute().GetValidationResult(Admin.Password, validationContext) is { } weak)
            {
                yield return new ValidationResult($"Auth:Admin:Password: {weak.ErrorMessage}");
            }
        }
    }
}

/// <summary>
/// Section <c>Auth:Admin</c>: while there is no admin, this account is made one at start. It is created if it does not exist; an existing
/// one needs a verified address.
/// </summary>
internal sealed class FirstAdminOptions
{
    public string? Email { get; set; }

    /// <summary>For a new account. An existing account keeps its password.</summary>
    public string? Password { get; set; }

    public bool IsSet => !string.IsNullOrEmpty(Email) && !string.IsNullOrEmpty(Password);
}

/// <summary>Section <c>Auth:Throttle</c>: how many wrong passwords are allowed within <see cref="Window"/>, over all replicas.</summary>
internal sealed class ThrottleOptions
{
    public TimeSpan Window { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>From one IP address (IPv6: one /64 network), for all accounts together.</summary>
    public int PerAddress { get; set; } = 300;

    /// <summary>For one e-mail address, with or without an account, from all IP addresses together.</summary>
    public int PerAccount { get; set; } = 30;

    /// <summary>For one e-mail address from one IP address.</summary>
    public int PerAccountAndAddress { get; set; } = 10;

    /// <summary>From one device with a recent login, or one session. These attempts count for no other limit.</summary>
    public int PerDevice { get; set; } = 10;

    /// <summary>How long after its last login a device is known.</summary>
    public TimeSpan DeviceLifetime { get; set; } = TimeSpan.FromDays(90);

    /// <summary>How long a login waits for Redis before this replica counts locally.</summary>
    public TimeSpan RedisTimeout { get; set; } = TimeSpan.FromMilliseconds(100);
}

/// <summary>Section <c>Auth:KeyRotation</c>.</summary>
internal sealed class KeyRotationOptions
{
    private static readonly TimeSpan LongestMaxAge = TimeSpan.FromMinutes(5);

    /// <summary>The age at which a key is replaced. Zero turns scheduled rotation off.</summary>
    public TimeSpan Every { get; set; } = TimeSpan.FromDays(90);

    /// <summary>How long a key is published before it signs. Must exceed the time that any validator caches keys.</summary>
    public TimeSpan Propagation { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How often a replica reads the keys, and so how soon it has a key made by another one.</summary>
    public TimeSpan Poll { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>A third of <see cref="Propagation"/>: the gateway caches the answer and a client may cache the gateway's copy.</summary>
    internal TimeSpan JwksMaxAge => Propagation / 3 < LongestMaxAge ? Propagation / 3 : LongestMaxAge;
}

/// <summary>Section <c>Auth:ServiceClients:&lt;id&gt;</c>: a service that calls others (RFC 6749 section 4.4).</summary>
internal sealed class ServiceClient
{
    public string Secret { get; set; } = "";

    /// <summary>What the client may do, of <see cref="ServiceScopes"/>, separated by spaces.</summary>
    public string Scopes { get; set; } = "";

    internal string[] ScopeList => Scopes.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>Section <c>Auth:Deletion</c>.</summary>
internal sealed class DeletionOptions
{
    /// <summary>
    /// The time for services to handle events, retries included, after the last access token has expired. Then
    /// <c>user.deleted</c> is published again, and only confirmations of that count.
    /// </summary>
    public TimeSpan Grace { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How often due deletions are looked up.</summary>
    public TimeSpan Poll { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How often <c>user.deleted</c> is repeated until every service has confirmed.</summary>
    public TimeSpan Repeat { get; set; } = TimeSpan.FromHours(1);
}
