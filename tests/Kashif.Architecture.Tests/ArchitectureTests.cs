using System.ComponentModel.DataAnnotations;
using System.Reflection;
using Kashif.Messaging;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Security;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kashif.Architecture.Tests;

/// <summary>Rules for every service.</summary>
public sealed class ArchitectureTests(BuiltServices services)
{
    private const BindingFlags Members = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    public static TheoryData<string> Names => BuiltServices.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_endpoint_has_a_policy_or_allows_anonymous(string service)
    {
        var endpoints = Endpoints(service);

        endpoints.Count.ShouldBeGreaterThan(3);
        endpoints
            .Where(endpoint => endpoint.Metadata.GetMetadata<IAuthorizeData>() is null && endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null)
            .Select(endpoint => endpoint.DisplayName)
            .ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_service_references_only_ServiceDefaults(string service) => services[service].Assembly.GetReferencedAssemblies()
        .Select(assembly => assembly.Name ?? "")
        .Where(name => name.StartsWith("Kashif.", StringComparison.Ordinal))
        .ShouldBe(service == ResourceNames.Gateway ? ["Kashif.ServiceDefaults"] : ["Kashif.Messaging", "Kashif.ServiceDefaults"], ignoreOrder: true);

    /// <remarks><c>AddValidation</c> silently skips types that are not public.</remarks>
    [Theory]
    [MemberData(nameof(Names))]
    public void Every_validated_request_type_is_public(string service) => Endpoints(service)
        .Select(endpoint => endpoint.Metadata.GetMetadata<MethodInfo>())
        .OfType<MethodInfo>()
        .SelectMany(handler => handler.GetParameters())
        .Select(parameter => parameter.ParameterType)
        .Where(type => HasRules(type) && !type.IsVisible)
        .ShouldBeEmpty();

    [Theory]
    [MemberData(nameof(Names))]
    public void A_service_handles_every_event_that_it_subscribes_to(string service) => services[service].Services.GetServices<HandlerRegistration>()
        .Select(handler => handler.EventType)
        .Distinct()
        .ShouldBe(EventCatalog.Subscriptions.GetValueOrDefault(service, []), ignoreOrder: true);

    [Fact]
    public void Every_service_with_user_data_erases_it_and_exports_it_only_to_services()
    {
        var exporting = BuiltServices.ServiceNames.Where(service => Endpoints(service)
            .Any(endpoint => endpoint.RoutePattern.RawText == "/internal/v1/users/{id:guid}/export"
                && endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>().Any(required => required.Policy == ServiceScopes.ExportUsers)));
        var erasing = EventCatalog.Subscriptions.Where(service => service.Value.Contains(UserDeleted.Type)).Select(service => service.Key);

        exporting.ShouldBe(ResourceNames.UserDataServices, ignoreOrder: true);
        erasing.ShouldBe(ResourceNames.UserDataServices, ignoreOrder: true);
    }

    [Fact]
    public void Event_ids_of_log_messages_are_unique()
    {
        var ids = new[] { typeof(ServiceIdentity).Assembly, typeof(UnitOfWork).Assembly }.Concat(BuiltServices.ServiceNames.Select(name => services[name].Assembly))
            .SelectMany(assembly => assembly.GetTypes())
            .SelectMany(type => type.GetMethods(Members | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Select(method => (Method: $"{method.DeclaringType}.{method.Name}", Id: method.GetCustomAttribute<LoggerMessageAttribute>()?.EventId))
            .Where(message => message.Id is not null)
            .ToLookup(message => message.Id, message => message.Method);

        ids.Count.ShouldBeGreaterThan(30);
        ids.Where(id => id.Count() > 1 || id.Key <= 0).Select(id => $"{id.Key}: {string.Join(", ", id)}").ShouldBeEmpty();
    }

    private List<RouteEndpoint> Endpoints(string service) =>
        [.. services[service].Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()];

    private static bool HasRules(Type type) =>
        type.GetProperties(Members).Cast<ICustomAttributeProvider>()
            .Concat(type.GetConstructors(Members).SelectMany(constructor => constructor.GetParameters()))
            .Any(member => member.IsDefined(typeof(ValidationAttribute), inherit: true))
        && type.FullName?.StartsWith("Kashif.", StringComparison.Ordinal) == true;
}
