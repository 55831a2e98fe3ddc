using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Health;

/// <summary>
/// The command <c>healthcheck</c>: asks the process that serves in the same container. For container engines, because the image has
/// no shell and no curl. The exit code is 1 if the service is not ready.
/// </summary>
internal static class HealthCommand
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(4);

    public static async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        // Kestrel's setting for ports, such as "8080" or "8080;8081".
        var port = services.GetRequiredService<IConfiguration>()["HTTP_PORTS"]?.Split(';')[0] ?? "8080";
        using var client = new HttpClient { Timeout = Limit };
        try
        {
            using var response = await client.GetAsync(new Uri($"http://127.0.0.1:{port}/ready"), cancellationToken);
            Console.WriteLine(await response.Content.ReadAsStringAsync(cancellationToken));
            Environment.ExitCode = response.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            Console.WriteLine(exception.Message);
            Environment.ExitCode = 1;
        }
    }
}
