using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Devices;

/// <summary>A device that receives a user's push notifications. Each token is one device and belongs to the session that registered it last.</summary>
internal sealed class Device
{
    public const int MaxTokenLength = 4096;

    /// <summary>For each user. Another one replaces the device that was registered the longest ago.</summary>
    public const int MaxPerUser = 20;

    public Guid Id { get; init; }
    public Guid UserId { get; init; }

    /// <summary>The device goes with it. Null for a device registered by an API key, or before this was stored: it goes when all sessions of the user end.</summary>
    public Guid? SessionId { get; init; }

    /// <summary>SHA-256 of the token, because the token is too long for an index.</summary>
    public required byte[] TokenHash { get; init; }
    public required string Token { get; init; }
    public DeviceType DeviceType { get; init; }
    public DateTimeOffset RegisteredAt { get; init; }

    public static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}

/// <summary>The platform of a device.</summary>
public enum DeviceType
{
    Ios,
    Android,
    Web,
}

internal sealed class DeviceConfiguration : IEntityTypeConfiguration<Device>
{
    public void Configure(EntityTypeBuilder<Device> builder)
    {
        builder.ToTable("devices");
        builder.HasKey(device => device.Id);
        builder.Property(device => device.Id).ValueGeneratedNever();
        builder.Property(device => device.Token).HasMaxLength(Device.MaxTokenLength);
        builder.Property(device => device.DeviceType).HasMaxLength(10)
            .HasConversion(type => Text(type), text => Parse(text));
        builder.HasIndex(device => device.TokenHash).IsUnique();
        builder.HasIndex(device => device.UserId);
        builder.HasIndex(device => device.RegisteredAt); // for DeviceCleanup
    }

    public static string Text(DeviceType type) => type.ToString().ToLowerInvariant();

    public static DeviceType Parse(string text) => Enum.Parse<DeviceType>(text, ignoreCase: true);
}
