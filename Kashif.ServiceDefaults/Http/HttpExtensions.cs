using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Kashif.Localization;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Kashif.Http;

/// <summary>The HTTP conventions of all services: JSON, problems, validation.</summary>
public static class HttpExtensions
{
    /// <summary>The largest JSON body that a service reads, in bytes.</summary>
    private const long MaxBody = 1024 * 1024;

    internal static IHostApplicationBuilder AddKashifHttp(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.ConfigureHttpJsonOptions(options => Configure(options.SerializerOptions));
        services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        services.AddOptions<ConnectionOptions>().BindConfiguration(ConnectionOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<KestrelServerOptions>().Configure<IOptions<ConnectionOptions>>((options, connections) =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = MaxBody;
            connections.Value.ApplyTo(options.Limits);
        });
        services.AddKashifProblems();
        Localized.Add(typeof(HttpExtensions).Assembly);
        Localized.Add(Assembly.Load(builder.Environment.ApplicationName));
        services.TryAddTransient<CorrelationIdHandler>();
        return builder;
    }

    /// <summary>
    /// Adds a service's source-generated serializers, which are used before reflection. Declare the context with
    /// <c>[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, PropertyNamingPolicy = SnakeCaseLower, Converters = [typeof(UtcInstantConverter)])]</c>.
    /// </summary>
    public static IServiceCollection AddJsonContext(this IServiceCollection services, IJsonTypeInfoResolver context) =>
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, context));

    private static void Configure(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.DictionaryKeyPolicy = null;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.RespectNullableAnnotations = true;
        options.RespectRequiredConstructorParameters = true;
        options.AllowDuplicateProperties = false;
        options.Converters.Add(new TextConverter());
        options.Converters.Add(new UtcInstantConverter());
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false));
    }
}
