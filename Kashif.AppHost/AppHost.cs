using Kashif;
using Microsoft.Extensions.Configuration;

var builder = DistributedApplication.CreateBuilder(args);

// Defaults are in appsettings.json (override: Parameters__admin-email=…); secrets without one are generated once and kept.
var adminEmail = builder.AddParameter("admin-email");
var adminPassword = Secret("admin-password");
var signingKeySecret = Secret("signing-key-secret");
var serviceSecret = Secret("service-secret");
var firebaseCredentials = builder.AddParameter("firebase-credentials", secret: true);
var smtpHost = builder.AddParameter("smtp-host");
var smtpPort = builder.AddParameter("smtp-port");
var smtpUser = builder.AddParameter("smtp-user");
var smtpPassword = builder.AddParameter("smtp-password", secret: true);
var smtpFrom = builder.AddParameter("smtp-from");
var appUrl = builder.AddParameter("app-url");

var postgres = builder.AddPostgres(ResourceNames.Postgres).WithImageTag("17.6").WithDataVolume();
var messaging = builder.AddRabbitMQ(ResourceNames.Messaging).WithImageTag("4.2").WithManagementPlugin().WithDataVolume();
var cache = builder.AddRedis(ResourceNames.Cache).WithImageTag("8.6");

var auth = Service<Projects.Kashif_Auth>(ResourceNames.Auth, ResourceNames.AuthDb)
    .WithReference(cache).WaitFor(cache)
    .WithEnvironment("Auth__Admin__Email", adminEmail)
    .WithEnvironment("Auth__Admin__Password", adminPassword)
    .WithEnvironment("Auth__SigningKeySecret", signingKeySecret)
    .WithEnvironment("Auth__ServiceClients__coupons", serviceSecret)
    .WithEnvironment("Auth__ServiceClients__gateway", serviceSecret);

var reporting = Service<Projects.Kashif_Reporting>(ResourceNames.Reporting, ResourceNames.ReportingDb)
    .WithReference(auth).WaitFor(auth);

var gamification = Service<Projects.Kashif_Gamification>(ResourceNames.Gamification, ResourceNames.GamificationDb)
    .WithReference(cache).WaitFor(cache)
    .WithReference(auth).WaitFor(auth);

var coupons = Service<Projects.Kashif_Coupons>(ResourceNames.Coupons, ResourceNames.CouponsDb)
    .WithReference(auth).WaitFor(auth)
    .WithReference(gamification).WaitFor(gamification)
    .WithEnvironment("ServiceClient__ClientId", ResourceNames.Coupons)
    .WithEnvironment("ServiceClient__ClientSecret", serviceSecret);

var notifications = Service<Projects.Kashif_Notifications>(ResourceNames.Notifications, ResourceNames.NotificationsDb)
    .WithReference(auth).WaitFor(auth)
    .WithEnvironment("Firebase__CredentialsJson", firebaseCredentials)
    .WithEnvironment("Smtp__Host", smtpHost)
    .WithEnvironment("Smtp__Port", smtpPort)
    .WithEnvironment("Smtp__User", smtpUser)
    .WithEnvironment("Smtp__Password", smtpPassword)
    .WithEnvironment("Smtp__From", smtpFrom)
    .WithEnvironment("Links__App", appUrl);
if (builder.ExecutionContext.IsRunMode)
{
    // While smtp-host is empty, mails are files that a developer reads.
    notifications.WithEnvironment("Smtp__PickupDirectory", Path.GetFullPath("../.kashif/mail", builder.AppHostDirectory));
}

var gateway = builder.AddProject<Projects.Kashif_Gateway>(ResourceNames.Gateway)
    .WithHttpEndpoint(port: builder.ExecutionContext.IsRunMode ? builder.Configuration.GetValue<int>("Parameters:gateway-port") : null)
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health")
    .WithEnvironment("ASPNETCORE_ENVIRONMENT", builder.Environment.EnvironmentName)
    .WithEnvironment("ServiceClient__ClientId", ResourceNames.Gateway)
    .WithEnvironment("ServiceClient__ClientSecret", serviceSecret)
    .WithReference(cache).WaitFor(cache)
    .WithReference(auth).WaitFor(auth)
    .WithReference(reporting).WaitFor(reporting)
    .WithReference(gamification).WaitFor(gamification)
    .WithReference(coupons).WaitFor(coupons)
    .WithReference(notifications).WaitFor(notifications);

// For the export of what all hold about a person. Auth does not wait for them: they wait for Auth.
auth.WithReference(reporting).WithReference(gamification).WithReference(coupons).WithReference(notifications);

// Tokens name the address at which clients find Auth: the gateway's.
auth.WithEnvironment("Auth__Issuer", ReferenceExpression.Create($"{gateway.GetEndpoint("http")}/api/v1/auth"));
notifications.WithEnvironment("Links__Gateway", gateway.GetEndpoint("http"));

builder.Build().Run();

// Every service has a database of its own, and the broker.
IResourceBuilder<ProjectResource> Service<TProject>(string name, string databaseName) where TProject : IProjectMetadata, new()
{
    var database = postgres.AddDatabase(databaseName);
    return builder.AddProject<TProject>(name)
        .WithHttpEndpoint()
        .WithHttpHealthCheck("/health")
        .WithEnvironment("ASPNETCORE_ENVIRONMENT", builder.Environment.EnvironmentName)
        .WithReference(database).WaitFor(database)
        .WithReference(messaging).WaitFor(messaging);
}

IResourceBuilder<ParameterResource> Secret(string name) =>
    builder.AddParameter(name, new GenerateParameterDefault { MinLength = 32, Special = false }, secret: true, persist: true);
