using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Templates;

/// <summary>A text as an administrator saved it. Rows are only added; the last version of a text is in use.</summary>
internal sealed class TemplateVersion
{
    /// <summary>Grows with each change of any text: one writer at a time.</summary>
    public long Id { get; init; }
    public required string Code { get; init; }
    public required string Language { get; init; }

    /// <summary>Of <see cref="ChannelNames"/>.</summary>
    public required string Channel { get; init; }

    /// <summary>1, 2, … of this code, language and channel.</summary>
    public int Version { get; init; }

    /// <summary>Null, like the body, in a version that returns to the default.</summary>
    public string? Title { get; init; }
    public string? Body { get; init; }

    /// <summary>The administrator; the empty id where they have deleted their account.</summary>
    public Guid ChangedBy { get; init; }
    public DateTimeOffset ChangedAt { get; init; }
}

/// <summary>A code that an administrator has added, for messages that are sent through the API.</summary>
internal sealed class OwnTemplate
{
    public required string Code { get; init; }

    /// <summary>JSON of <see cref="TemplateVariable"/>s.</summary>
    public required string Variables { get; set; }
}

internal sealed class TemplateVersionConfiguration : IEntityTypeConfiguration<TemplateVersion>
{
    public void Configure(EntityTypeBuilder<TemplateVersion> builder)
    {
        builder.ToTable("template_versions");
        builder.Property(text => text.Code).HasMaxLength(TemplateCodes.MaxLength);
        builder.Property(text => text.Language).HasMaxLength(10);
        builder.Property(text => text.Channel).HasMaxLength(10);
        builder.Property(text => text.Title).HasMaxLength(Liquid.MaxSource);
        builder.Property(text => text.Body).HasMaxLength(Liquid.MaxSource);
        builder.HasIndex(text => new { text.Code, text.Language, text.Channel, text.Version }).IsUnique();
        builder.HasIndex(text => text.ChangedBy);
    }
}

internal sealed class OwnTemplateConfiguration : IEntityTypeConfiguration<OwnTemplate>
{
    public void Configure(EntityTypeBuilder<OwnTemplate> builder)
    {
        builder.ToTable("own_templates");
        builder.HasKey(template => template.Code);
        builder.Property(template => template.Code).HasMaxLength(TemplateCodes.MaxLength);
        builder.Property(template => template.Variables).HasColumnType("jsonb");
    }
}
