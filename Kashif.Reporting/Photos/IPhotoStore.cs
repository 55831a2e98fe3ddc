namespace Kashif.Reporting.Photos;

/// <summary>Where the files of photos are. A file never changes.</summary>
internal interface IPhotoStore
{
    Task PutAsync(Guid photo, PhotoSize size, PhotoFormat format, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>Reads a file in pieces, holding one in memory.</summary>
    /// <exception cref="FileNotFoundException">The store does not have it.</exception>
    IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(Guid photo, PhotoSize size, CancellationToken cancellationToken);

    /// <summary>Deletes all files of a photo, as many as there are.</summary>
    Task DeleteAsync(Guid photo, CancellationToken cancellationToken);
}
