using Kashif.Testing;
using Npgsql;

[assembly: AssemblyFixture(typeof(Kashif.Deployment.Tests.DeploymentServers))]

namespace Kashif.Deployment.Tests;

/// <summary>The servers, and the settings with which each service runs in a deployment.</summary>
public sealed class DeploymentServers : ServersAndIssuer, IAsyncLifetime
{
    /// <summary>The services with a database.</summary>
    public static readonly string[] Services =
        [ResourceNames.Auth, ResourceNames.Reporting, ResourceNames.Gamification, ResourceNames.Coupons, ResourceNames.Notifications];

    /// <summary>The connection string of a database that does not exist yet.</summary>
    public string NewDatabase() =>
        new NpgsqlConnectionStringBuilder(Servers.DatabaseServer) { Database = $"test-{Guid.CreateVersion7():N}" }.ConnectionString;

    /// <summary>The settings without which the service does not start, and no others.</summary>
    public Dictionary<string, string> MinimalSettings(string service, string database = "")
    {
        var settings = new Dictionary<string, string>();
        if (service != ResourceNames.Gateway)
        {
            settings[$"ConnectionStrings__{service}-db"] = database;
            settings[$"ConnectionStrings__{ResourceNames.Messaging}"] = Servers.Messaging;
        }

        if (service is ResourceNames.Auth or ResourceNames.Gamification or ResourceNames.Gateway)
        {
            settings[$"ConnectionStrings__{ResourceNames.Cache}"] = Servers.Cache;
        }

        if (service == ResourceNames.Auth)
        {
            settings["Auth__Issuer"] = "https://kashif.test/api/v1/auth";
            settings["Auth__SigningKeySecret"] = "qJ4/7dTzXw9KcVbNm2RfGh5YpLs8UeAo";
        }
        else
        {
            settings[$"services__{ResourceNames.Auth}__http__0"] = Issuer.Address;
        }

        if (service is ResourceNames.Coupons or ResourceNames.Gateway)
        {
            settings["ServiceClient__ClientId"] = service;
            settings["ServiceClient__ClientSecret"] = "a secret for the tests of deployments";
        }

        return settings;
    }
}
