using System.ComponentModel.DataAnnotations;

namespace Kashif.Reporting.Photos;

/// <summary>Section <c>Photos</c>.</summary>
internal sealed class PhotoOptions : IValidatableObject
{
    public const string Section = "Photos";
    public const string Postgres = "postgres";
    private const string S3Server = "s3";

    /// <summary><c>postgres</c>, or <c>s3</c> for a server that speaks S3. Empty: <c>s3</c> if <c>Photos:S3:Endpoint</c> or <c>Photos:S3:Bucket</c> is set.</summary>
    public string? Store { get; set; }

    public S3Options S3 { get; set; } = new();

    /// <summary>How many photos are decoded at a time, each in a process of its own.</summary>
    [Range(1, 64, ErrorMessage = "Photos:Workers must be between 1 and 64.")]
    public int Workers { get; set; } = 2;

    /// <summary>How many uploads are received, waiting or decoded at a time, each with up to 10 MB in memory. More get a 503.</summary>
    [Range(1, 1000, ErrorMessage = "Photos:Uploads must be between 1 and 1000.")]
    public int Uploads { get; set; } = 8;

    /// <summary>How long decoding a photo may take.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00", ErrorMessage = "Photos:Timeout must be between 0.1 s and a minute, such as 00:00:20.")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>How often the files of deleted photos and of uploads that failed are deleted.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "1.00:00:00", ErrorMessage = "Photos:SweepInterval must be between 10 ms and one day, such as 00:01:00.")]
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromMinutes(1);

    // Internal, because validation reads every public property.
    internal bool UsesS3 => string.IsNullOrWhiteSpace(Store)
        ? !string.IsNullOrWhiteSpace(S3.Endpoint) || !string.IsNullOrWhiteSpace(S3.Bucket)
        : Store.Equals(S3Server, StringComparison.OrdinalIgnoreCase);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!string.IsNullOrWhiteSpace(Store) && !UsesS3 && !Store.Equals(Postgres, StringComparison.OrdinalIgnoreCase))
        {
            yield return new ValidationResult("Photos:Store must be postgres or s3.");
        }

        foreach (var error in UsesS3 ? S3.Errors() : [])
        {
            yield return new ValidationResult(error);
        }
    }
}

/// <summary>Section <c>Photos:S3</c>.</summary>
internal sealed class S3Options
{
    /// <summary>The URL of the server. Empty: Amazon's, in <see cref="Region"/>.</summary>
    public string? Endpoint { get; set; }

    /// <summary>The bucket; it must exist.</summary>
    public string? Bucket { get; set; }

    /// <summary>Empty: <c>us-east-1</c>, which servers without regions expect.</summary>
    public string? Region { get; set; }
    public string? AccessKey { get; set; }
    public string? SecretKey { get; set; }

    /// <summary>Whether the bucket is in the path of the URL instead of its host name. Empty: true with an <see cref="Endpoint"/>.</summary>
    public string? ForcePathStyle { get; set; }

    internal bool UsesPathStyle => string.IsNullOrWhiteSpace(ForcePathStyle) ? !string.IsNullOrWhiteSpace(Endpoint) : bool.Parse(ForcePathStyle);

    internal IEnumerable<string> Errors()
    {
        if (!string.IsNullOrWhiteSpace(Endpoint) && !(Uri.TryCreate(Endpoint, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"))
        {
            yield return "Photos:S3:Endpoint must be a URL, such as https://s3.example.org.";
        }

        if (string.IsNullOrWhiteSpace(Bucket))
        {
            yield return "Photos:S3:Bucket is not set. Create a bucket and set its name.";
        }

        if (string.IsNullOrWhiteSpace(AccessKey))
        {
            yield return "Photos:S3:AccessKey is not set. Create a key that may read, write and delete objects of the bucket.";
        }

        if (string.IsNullOrWhiteSpace(SecretKey))
        {
            yield return "Photos:S3:SecretKey is not set. It belongs to Photos:S3:AccessKey.";
        }

        if (!string.IsNullOrWhiteSpace(ForcePathStyle) && !bool.TryParse(ForcePathStyle, out _))
        {
            yield return "Photos:S3:ForcePathStyle must be true or false.";
        }
    }
}
