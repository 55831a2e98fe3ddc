using System.ComponentModel.DataAnnotations;
using System.Reflection;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Security;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Architecture.Tests;

/// <summary>What holds for every service, whoever adds to it.</summary>
public sealed class ArchitectureTests(BuiltServices services)
{
    private const BindingFlags Members = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    public static TheoryData<string> Names => BuiltServices.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_endpoint_says_who_may_call_it(string service)
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
    public void A_service_knows_no_other_one(string service) => services[service].Assembly.GetReferencedAssemblies()
        .Select(assembly => assembly.Name ?? "")
        .Where(name => name.StartsWith("Kashif.", StringComparison.Ordinal))
        .ShouldBe(service == ResourceNames.Gateway ? ["Kashif.ServiceDefaults"] : ["Kashif.Messaging", "Kashif.ServiceDefaults"], ignoreOrder: true);

    /// <remarks><c>AddValidation</c> passes over types that are not public, without a word.</remarks>
    [Theory]
    [MemberData(nameof(Names))]
    public void What_a_request_must_be_is_checked(string service) => Endpoints(service)
        .Select(endpoint => endpoint.Metadata.GetMetadata<MethodInfo>())
        .OfType<MethodInfo>()
        .SelectMany(handler => handler.GetParameters())
        .Select(parameter => parameter.ParameterType)
        .Where(type => HasRules(type) && !type.IsVisible)
        .ShouldBeEmpty();

    [Theory]
    [MemberData(nameof(Names))]
    public void What_a_service_subscribes_to_it_handles(string service) => services[service].Services.GetServices<HandlerRegistration>()
        .Select(handler => handler.EventType)
        .Distinct()
        .ShouldBe(EventCatalog.Subscriptions.GetValueOrDefault(service, []), ignoreOrder: true);

    [Fact]
    public void Every_service_with_user_data_exports_it_to_services_alone_and_erases_it()
    {
        var exporting = BuiltServices.ServiceNames.Where(service => Endpoints(service)
            .Any(endpoint => endpoint.RoutePattern.RawText == "/internal/v1/users/{id:guid}/export"
                && endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>().Any(required => required.Policy == Policies.Service)));
        var erasing = EventCatalog.Subscriptions.Where(service => service.Value.Contains(UserDeleted.Type)).Select(service => service.Key);

        exporting.ShouldBe(ResourceNames.UserDataServices, ignoreOrder: true);
        erasing.ShouldBe(ResourceNames.UserDataServices, ignoreOrder: true);
    }

    private List<RouteEndpoint> Endpoints(string service) =>
        [.. services[service].Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()];

    private static bool HasRules(Type type) =>
        type.GetProperties(Members).Cast<ICustomAttributeProvider>()
            .Concat(type.GetConstructors(Members).SelectMany(constructor => constructor.GetParameters()))
            .Any(member => member.IsDefined(typeof(ValidationAttribute), inherit: true))
        && type.FullName?.StartsWith("Kashif.", StringComparison.Ordinal) == true;
}
