using System.Runtime.CompilerServices;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Photos;

/// <summary>
/// The files in PostgreSQL, in chunks: they are in the backup, and every replica sees them. Each chunk is read by itself, so a slow client
/// holds no connection.
/// </summary>
internal sealed class DatabasePhotoStore(IServiceScopeFactory scopes) : IPhotoStore
{
    public const int ChunkLength = 256 * 1024;

    public async Task PutAsync(Guid photo, PhotoSize size, PhotoFormat format, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<ReportingDbContext>();
        for (var position = 0; position * ChunkLength < content.Length; position++)
        {
            var start = position * ChunkLength;
            database.Add(new PhotoChunk
            {
                PhotoId = photo,
                Size = size,
                Position = position,
                Bytes = content.Slice(start, Math.Min(ChunkLength, content.Length - start)).ToArray(),
            });
            await database.SaveChangesAsync(cancellationToken);
            database.ChangeTracker.Clear();
        }
    }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(Guid photo, PhotoSize size, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<ReportingDbContext>();
        for (var position = 0; ; position++)
        {
            var chunk = await database.Set<PhotoChunk>().Where(row => row.PhotoId == photo && row.Size == size && row.Position == position)
                .Select(row => row.Bytes).FirstOrDefaultAsync(cancellationToken);
            if (chunk is null)
            {
                if (position == 0)
                {
                    throw new FileNotFoundException("The database has no file of the photo.");
                }

                yield break;
            }

            yield return chunk;
        }
    }

    public async Task DeleteAsync(Guid photo, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<ReportingDbContext>();
        await database.Set<PhotoChunk>().Where(row => row.PhotoId == photo).ExecuteDeleteAsync(cancellationToken);
    }
}

/// <summary>A part of a file.</summary>
internal sealed class PhotoChunk
{
    public Guid PhotoId { get; init; }
    public PhotoSize Size { get; init; }
    public int Position { get; init; }
    public required byte[] Bytes { get; init; }
}

internal sealed class PhotoChunkConfiguration : IEntityTypeConfiguration<PhotoChunk>
{
    public void Configure(EntityTypeBuilder<PhotoChunk> chunk)
    {
        chunk.ToTable("photo_chunks");
        chunk.HasKey(row => new { row.PhotoId, row.Size, row.Position });
        chunk.HasOne<Photo>().WithMany().HasForeignKey(row => row.PhotoId).OnDelete(DeleteBehavior.Cascade);
    }
}
