using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Kashif.Notifications.Data;
using Kashif.Notifications.Templates;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications.Unsubscribe;

/// <summary>
/// The links with which a mail is unsubscribed without a login: the user and the type, signed. They do not expire, because mails do not.
/// </summary>
/// <remarks>The key is in the database that it protects: a reader of the database gains nothing from it, and it needs no setting.</remarks>
internal sealed class UnsubscribeTokens(IServiceScopeFactory scopes, IOptions<MailLinkOptions> links)
{
    private const int IdSize = 16;
    private const int MacSize = 16;
    private byte[]? _key;

    public async Task<string> LinkAsync(Guid user, string type, CancellationToken cancellationToken) =>
        $"{links.Value.Gateway.TrimEnd('/')}{NotificationsExtensions.Root}/unsubscribe?token={Create(await KeyAsync(cancellationToken), user, type)}";

    /// <returns>Null for a token that this service has not made.</returns>
    public async Task<(Guid User, string Type)?> ReadAsync(string token, CancellationToken cancellationToken) =>
        TryRead(await KeyAsync(cancellationToken), token, out var content) ? content : null;

    internal static string Create(byte[] key, Guid user, string type)
    {
        byte[] content = [.. user.ToByteArray(bigEndian: true), .. Encoding.UTF8.GetBytes(type)];
        return Base64Url.EncodeToString([.. Mac(key, content), .. content]);
    }

    internal static bool TryRead(byte[] key, string token, [NotNullWhen(true)] out (Guid User, string Type)? content)
    {
        content = null;
        if (!Base64Url.IsValid(token, out var size) || size <= MacSize + IdSize)
        {
            return false;
        }

        var bytes = Base64Url.DecodeFromChars(token).AsSpan();
        var signed = bytes[MacSize..];
        if (!CryptographicOperations.FixedTimeEquals(bytes[..MacSize], Mac(key, signed)))
        {
            return false;
        }

        content = (new Guid(signed[..IdSize], bigEndian: true), Encoding.UTF8.GetString(signed[IdSize..]));
        return true;
    }

    private static byte[] Mac(byte[] key, ReadOnlySpan<byte> content) => HMACSHA256.HashData(key, content)[..MacSize];

    private async ValueTask<byte[]> KeyAsync(CancellationToken cancellationToken)
    {
        if (_key is null)
        {
            await using var scope = scopes.CreateAsyncScope();
            var database = scope.ServiceProvider.GetRequiredService<NotificationsDbContext>();
            await database.Database.ExecuteSqlAsync(
                $"INSERT INTO unsubscribe_keys (id, key) VALUES ({UnsubscribeKey.OnlyId}, {RandomNumberGenerator.GetBytes(32)}) ON CONFLICT DO NOTHING", cancellationToken);
            _key = await database.UnsubscribeKeys.Select(row => row.Key).SingleAsync(cancellationToken);
        }

        return _key;
    }
}

/// <summary>The key of all replicas; one row.</summary>
internal sealed class UnsubscribeKey
{
    public const int OnlyId = 1;

    public int Id { get; init; }
    public required byte[] Key { get; init; }
}

internal sealed class UnsubscribeKeyConfiguration : IEntityTypeConfiguration<UnsubscribeKey>
{
    public void Configure(EntityTypeBuilder<UnsubscribeKey> builder)
    {
        builder.ToTable("unsubscribe_keys");
        builder.HasKey(row => row.Id);
        builder.Property(row => row.Id).ValueGeneratedNever();
    }
}
