using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Photos;

internal static class PhotosExtensions
{
    public static IServiceCollection AddPhotos(this IServiceCollection services)
    {
        services.AddOptions<PhotoOptions>().BindConfiguration(PhotoOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<IPhotoStore>(provider => provider.GetRequiredService<IOptions<PhotoOptions>>().Value.UsesS3
            ? ActivatorUtilities.CreateInstance<S3PhotoStore>(provider)
            : ActivatorUtilities.CreateInstance<DatabasePhotoStore>(provider));
        services.AddSingleton<PhotoMetrics>();
        services.AddSingleton<PhotoSlots>();
        services.AddSingleton<PhotoProcessor>();
        services.AddScoped<PhotoUploads>();
        services.AddSingleton<PhotoSweeper>();
        services.AddHostedService(provider => provider.GetRequiredService<PhotoSweeper>());
        return services;
    }
}
