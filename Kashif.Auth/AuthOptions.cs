using System.ComponentModel.DataAnnotations;
using Kashif.Auth.Accounts;

namespace Kashif.Auth;

/// <summary>Section <c>Auth</c>.</summary>
internal sealed class AuthOptions : IValidatableObject
{
    public const string Section = "Auth";
    public const int MinSecretLength = 32;

    /// <summary>The address of this service as clients reach it, through the gateway: the <c>iss</c> of every token.</summary>
    [Required(ErrorMessage = "Auth:Issuer is not set: the public address of Auth, for example http://localhost:8000/api/v1/auth.")]
    public string Issuer { get; set; } = "";

    /// <summary>What the signing keys are encrypted under in the database. Never stored there itself.</summary>
    [Required(ErrorMessage = "Auth:SigningKeySecret is not set: a random secret of at least 32 characters (openssl rand -base64 48) that encrypts the signing keys; keep it, or they are lost.")]
    public string SigningKeySecret { get; set; } = "";

    /// <summary>Services that may ask for a token of their own, with their secrets, by client id.</summary>
    public Dictionary<string, string> ServiceClients { get; } = [];

    public FirstAdminOptions Admin { get; } = new();
    public KeyRotationOptions KeyRotation { get; } = new();
    public ThrottleOptions Throttle { get; } = new();
    public DeletionOptions Deletion { get; } = new();

    public TimeSpan AccessTokenLifetime { get; set; } = TimeSpan.FromMinutes(15);
    public TimeSpan ServiceTokenLifetime { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a session lives after its last refresh.</summary>
    public TimeSpan SessionLifetime { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long a refresh token that was used gives the same successor again; zero means never.</summary>
    public TimeSpan RefreshGrace { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a password may wait to be checked before the request is answered with a 503.</summary>
    public TimeSpan LongestHashingWait { get; set; } = TimeSpan.FromSeconds(15);

    internal TimeSpan LongestTokenLifetime => AccessTokenLifetime > ServiceTokenLifetime ? AccessTokenLifetime : ServiceTokenLifetime;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Uri.TryCreate(Issuer, UriKind.Absolute, out var issuer) || issuer.Scheme is not ("http" or "https") || Issuer.EndsWith('/'))
        {
            yield return new ValidationResult("Auth:Issuer must be an absolute http(s) address without a slash at its end.");
        }

        if (SigningKeySecret.Length < MinSecretLength || SigningKeySecret.Distinct().Count() < 10)
        {
            yield return new ValidationResult(
                $"Auth:SigningKeySecret must be random and have at least {MinSecretLength} characters; make one with: openssl rand -base64 48.");
        }

        foreach (var client in ServiceClients.Where(client => client.Value is not { Length: >= MinSecretLength }).Select(client => client.Key))
        {
            yield return new ValidationResult($"Auth:ServiceClients:{client} must be a random secret of at least {MinSecretLength} characters.");
        }

        if (AccessTokenLifetime <= TimeSpan.Zero || ServiceTokenLifetime <= TimeSpan.Zero || SessionLifetime <= AccessTokenLifetime)
        {
            yield return new ValidationResult("Auth:AccessTokenLifetime and Auth:ServiceTokenLifetime must be positive, and Auth:SessionLifetime longer than the first.");
        }

        if (RefreshGrace < TimeSpan.Zero || RefreshGrace > TimeSpan.FromMinutes(1))
        {
            yield return new ValidationResult("Auth:RefreshGrace must be between 00:00:00 (off) and 00:01:00: whoever stole a used token could use it for so long.");
        }

        if (LongestHashingWait <= TimeSpan.Zero)
        {
            yield return new ValidationResult("Auth:LongestHashingWait must be positive, such as 00:00:15.");
        }

        if (Throttle.Window <= TimeSpan.Zero || Throttle.RedisTimeout <= TimeSpan.Zero
            || Throttle.PerAddress < 1 || Throttle.PerAccount < 1 || Throttle.PerAccountAndAddress < 1)
        {
            yield return new ValidationResult("Auth:Throttle: Window, RedisTimeout, PerAddress, PerAccount and PerAccountAndAddress must be positive.");
        }

        if (KeyRotation.Poll <= TimeSpan.Zero || KeyRotation.Propagation <= KeyRotation.Poll)
        {
            yield return new ValidationResult("Auth:KeyRotation:Poll must be positive, and Auth:KeyRotation:Propagation longer, or a key signs before every replica publishes it.");
        }

        if (KeyRotation.Every < TimeSpan.Zero || (KeyRotation.Every > TimeSpan.Zero && KeyRotation.Every <= KeyRotation.Propagation))
        {
            yield return new ValidationResult("Auth:KeyRotation:Every must be longer than Auth:KeyRotation:Propagation, such as 90.00:00:00; 00:00:00 means never.");
        }

        if (Deletion.Grace < TimeSpan.Zero || Deletion.Poll <= TimeSpan.Zero || Deletion.Repeat <= TimeSpan.Zero)
        {
            yield return new ValidationResult("Auth:Deletion:Poll and Auth:Deletion:Repeat must be positive, and Auth:Deletion:Grace not negative.");
        }

        if (string.IsNullOrEmpty(Admin.Email) != string.IsNullOrEmpty(Admin.Password))
        {
            yield return new ValidationResult("Auth:Admin:Email and Auth:Admin:Password make the first admin together: set both or neither.");
        }
        else if (Admin.IsSet)
        {
            if (!new EmailAttribute().IsValid(Admin.Email))
            {
                yield return new ValidationResult("Auth:Admin:Email is not an e-mail address.");
            }

            if (new PasswordAttribute().GetValidationResult(Admin.Password, validationContext) is { } weak)
            {
                yield return new ValidationResult($"Auth:Admin:Password: {weak.ErrorMessage}");
            }
        }
    }
}

/// <summary>Section <c>Auth:Admin</c>: who is made an admin at start, and registered first where there is no such account.</summary>
internal sealed class FirstAdminOptions
{
    public string? Email { get; set; }

    /// <summary>Of a new account; that of one which exists is never changed.</summary>
    public string? Password { get; set; }

    public bool IsSet => !string.IsNullOrEmpty(Email) && !string.IsNullOrEmpty(Password);
}

/// <summary>Section <c>Auth:Throttle</c>: how many wrong passwords are answered within <see cref="Window"/>, over all replicas.</summary>
internal sealed class ThrottleOptions
{
    public TimeSpan Window { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>Of one address (of IPv6 one /64 network), whichever accounts it tries.</summary>
    public int PerAddress { get; set; } = 100;

    /// <summary>For one account, or one e-mail address that has none, wherever they come from.</summary>
    public int PerAccount { get; set; } = 30;

    /// <summary>For one account from one address.</summary>
    public int PerAccountAndAddress { get; set; } = 10;

    /// <summary>How long a login waits for Redis before this replica counts alone.</summary>
    public TimeSpan RedisTimeout { get; set; } = TimeSpan.FromMilliseconds(100);
}

/// <summary>Section <c>Auth:KeyRotation</c>.</summary>
internal sealed class KeyRotationOptions
{
    private static readonly TimeSpan LongestMaxAge = TimeSpan.FromMinutes(5);

    /// <summary>How long a key signs before another is made; zero means that keys are rotated on demand only.</summary>
    public TimeSpan Every { get; set; } = TimeSpan.FromDays(90);

    /// <summary>How long a key is published before it signs: longer than any validator may go on with the keys it has.</summary>
    public TimeSpan Propagation { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How soon a replica has what another one did.</summary>
    public TimeSpan Poll { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>A third of <see cref="Propagation"/>: the gateway's copy and then a client's may each be so old.</summary>
    internal TimeSpan JwksMaxAge => Propagation / 3 < LongestMaxAge ? Propagation / 3 : LongestMaxAge;
}

/// <summary>Section <c>Auth:Deletion</c>.</summary>
internal sealed class DeletionOptions
{
    /// <summary>
    /// What an event may take to be handled, all tries included, after the last access token has expired: the services are told
    /// again then, and what they confirm counts.
    /// </summary>
    public TimeSpan Grace { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How often deletions are looked for that are due.</summary>
    public TimeSpan Poll { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How often a service that does not confirm is told again.</summary>
    public TimeSpan Repeat { get; set; } = TimeSpan.FromHours(1);
}
