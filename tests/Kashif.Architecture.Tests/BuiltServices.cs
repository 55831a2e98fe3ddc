extern alias gateway;

using System.Reflection;
using Kashif.Auth.Accounts;
using Kashif.Coupons.Partners;
using Kashif.Gamification.Points;
using Kashif.Notifications.Devices;
using Kashif.Reporting.Reports;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

[assembly: AssemblyFixture(typeof(Kashif.Architecture.Tests.BuiltServices))]

namespace Kashif.Architecture.Tests;

/// <summary>Every service as its <c>Program</c> builds it, without background workers, so that no server is needed.</summary>
public sealed class BuiltServices : IDisposable
{
    private readonly List<IDisposable> _factories = [];
    private readonly Dictionary<string, Built> _built = [];

    public BuiltServices()
    {
        Add<RegisterRequest>(ResourceNames.Auth);
        Add<CreateReportRequest>(ResourceNames.Reporting);
        Add<DebitRequest>(ResourceNames.Gamification);
        Add<CouponRequest>(ResourceNames.Coupons);
        Add<RegisterDeviceRequest>(ResourceNames.Notifications);
        Add<gateway::Program>(ResourceNames.Gateway);
    }

    public static IReadOnlyList<string> ServiceNames { get; } =
        [ResourceNames.Auth, ResourceNames.Reporting, ResourceNames.Gamification, ResourceNames.Coupons, ResourceNames.Notifications, ResourceNames.Gateway];

    public static TheoryData<string> Names => [.. ServiceNames];

    public Built this[string name] => _built[name];

    public void Dispose() => _factories.ForEach(factory => factory.Dispose());

    private void Add<TEntryPoint>(string name)
        where TEntryPoint : class
    {
        var factory = new Factory<TEntryPoint>();
        _factories.Add(factory);
        _built.Add(name, new Built(typeof(TEntryPoint).Assembly, factory.Services));
    }

    public sealed record Built(Assembly Assembly, IServiceProvider Services);

    private sealed class Factory<TEntryPoint> : WebApplicationFactory<TEntryPoint>
        where TEntryPoint : class
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            string[] databases =
                [ResourceNames.AuthDb, ResourceNames.ReportingDb, ResourceNames.GamificationDb, ResourceNames.CouponsDb, ResourceNames.NotificationsDb];
            foreach (var database in databases)
            {
                builder.UseSetting($"ConnectionStrings:{database}", "Host=nowhere");
            }

            builder.UseSetting($"ConnectionStrings:{ResourceNames.Messaging}", "amqp://nowhere");
            builder.UseSetting($"ConnectionStrings:{ResourceNames.Cache}", "nowhere");
            builder.UseSetting("Auth:Issuer", "https://kashif.test/api/v1/auth");
            builder.UseSetting("Auth:SigningKeySecret", "qJ4/7dTzXw9KcVbNm2RfGh5YpLs8UeAo");
            builder.UseSetting("ServiceClient:ClientId", "architecture");
            builder.UseSetting("ServiceClient:ClientSecret", "architecture");
            builder.ConfigureTestServices(services =>
            {
                // The remaining hosted service builds the pipeline.
                foreach (var worker in services.Where(IsWorker).ToArray())
                {
                    services.Remove(worker);
                }
            });
        }

        private static bool IsWorker(ServiceDescriptor service) =>
            service.ServiceType == typeof(IHostedService) && service.ImplementationType?.Name != "GenericWebHostService";
    }
}
