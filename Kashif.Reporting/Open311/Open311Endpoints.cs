using Kashif.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.OpenApi;

namespace Kashif.Reporting.Open311;

/// <summary>Open311 GeoReport v2: https://wiki.open311.org/GeoReport_v2. The gateway serves it at the same path.</summary>
internal static class Open311Endpoints
{
    public const string Prefix = "/open311/v2";

    /// <summary>A request with photos.</summary>
    private const int MaxUpload = 12 * 1024 * 1024;

    public static IServiceCollection AddOpen311(this IServiceCollection services)
    {
        services.AddOptions<Open311Options>().BindConfiguration(Open311Options.Section).ValidateDataAnnotations().ValidateOnStart();

        // First: the framework's own writer would take the problem.
        services.Insert(0, ServiceDescriptor.Singleton<IProblemDetailsWriter, ProblemsAsErrors>());
        services.AddHostedService<ContactErasure>();
        services.Configure<OpenApiOptions>("v1", openApi => openApi.AddDocumentTransformer(Description.AddAsync));
        return services;
    }

    public static void MapOpen311(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapOpen311Keys();
        endpoints.MapSubmissions();
        endpoints.MapSentUpdates();

        // openapi.json describes them (Description).
        var open311 = endpoints.MapGroup(Prefix).AllowAnonymous().ExcludeFromDescription().AddEndpointFilter(CheckFormat);
        open311.MapGet("/discovery.{format}", Discovery.Handle);
        open311.MapGet("/services.{format}", ServiceList.ListAsync).Read();
        open311.MapGet("/services/{code}.{format}", ServiceList.DefineAsync).Read();
        open311.MapGet("/requests.{format}", ReadRequests.ListAsync).Read();
        open311.MapGet("/requests/{id}.{format}", ReadRequests.GetAsync).Read();
        open311.MapGet("/tokens/{token}.{format}", ReadRequests.GetTokenAsync).Read();
        open311.MapGet("/servicerequestupdates.{format}", Updates.ListAsync).Read();
        open311.MapPost("/requests.{format}", CreateRequest.HandleAsync).AddEndpointFilter<KeyCheck>().AddEndpointFilter<Jurisdictions>().WithIdempotency()
            .WithMetadata(new RequestSizeLimitAttribute(MaxUpload));
        open311.MapPost("/servicerequestupdates.{format}", Updates.CreateAsync).AddEndpointFilter<KeyCheck>().AddEndpointFilter<Jurisdictions>();
    }

    private static void Read(this RouteHandlerBuilder endpoint) => endpoint.AddEndpointFilter<Jurisdictions>();

    private static ValueTask<object?> CheckFormat(EndpointFilterInvocationContext context, EndpointFilterDelegate next) =>
        context.HttpContext.Request.RouteValues["format"] is string format
            && (format.Equals("xml", StringComparison.OrdinalIgnoreCase) || format.Equals("json", StringComparison.OrdinalIgnoreCase))
                ? next(context)
                : ValueTask.FromResult<object?>(Fault.NotFound("The path must end in .xml or .json").ToAnswer(Format.Xml));
}
