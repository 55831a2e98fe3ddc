using Kashif;
using Kashif.Messaging.Database;
using Kashif.NativeServers;
using Kashif.Security;

const string PostgresTag = "17.6", RabbitMqTag = "4.2", RedisTag = "8.6";

StartErrors.ShowPlainly();
Ports.MoveDashboardOffTakenPorts();
var builder = DistributedApplication.CreateBuilder(args);
builder.CheckParameters();
Guardian.Watch(builder);
builder.KeepLogs();
builder.ChooseServers($"docker.io/library/postgres:{PostgresTag}", $"docker.io/library/rabbitmq:{RabbitMqTag}-management", $"docker.io/library/redis:{RedisTag}");

// Override with Parameters__admin-email=… or user secrets. Generated secrets are stored in .kashif/secrets.
var adminEmail = Setting("admin-email", "admin@kashif.local");
var adminPassword = Secret("admin-password");
var signingKeySecret = Secret("signing-key-secret");
var otherSigningKeySecret = Setting("other-signing-key-secret", "", secret: true);
var firebaseCredentials = Setting("firebase-credentials", "", secret: true);
var smtpHost = Setting("smtp-host", "");
var smtpPort = Setting("smtp-port", "587");
var smtpUser = Setting("smtp-user", "");
var smtpPassword = Setting("smtp-password", "", secret: true);
var smtpFrom = Setting("smtp-from", "");
var appUrl = Setting("app-url", "");
var trustedProxies = Setting("trusted-proxies", "");

// The public URL of the gateway: the issuer of tokens and the base of links in e-mails.
var gatewayPort = builder.ForGateway();
var publicUrl = Setting("public-url", $"http://localhost:{gatewayPort}");

// A server with a ConnectionStrings__<name> is external. The others are containers or local processes.
var postgres = new Lazy<IResourceBuilder<PostgresServerResource>>(() => builder
    .AddPostgres(ResourceNames.Postgres, password: Secret("postgres-password")).WithImageTag(PostgresTag).WithDataVolume(builder.VolumeOf(ResourceNames.Postgres)).WithEndpointProxySupport(false)
    .WithArgs("-c", $"max_connections={DatabaseConnections.ServerLimit}", "-c", "shared_buffers=256MB", "-c", "max_wal_size=2GB")
    .WithArgs("-c", "log_error_verbosity=terse") // without the values of a violated constraint, such as an address
    .OrNative());
var messaging = builder.External(ResourceNames.Messaging)?.WithConnectionCheck(ConnectionChecks.RabbitMqAsync) ?? builder
    .AddRabbitMQ(ResourceNames.Messaging, password: Secret("messaging-password")).WithImageTag(RabbitMqTag).WithManagementPlugin().WithDataVolume(builder.VolumeOf(ResourceNames.Messaging)).WithEndpointProxySupport(false)
    .WithBindMount("rabbitmq.conf", "/etc/rabbitmq/conf.d/20-kashif.conf", isReadOnly: true)
    .WithUrlForEndpoint("management", url => url.DisplayText = "RabbitMQ management")
    .OrNative("rabbitmq.conf");
var cache = builder.External(ResourceNames.Cache)?.WithConnectionCheck(ConnectionChecks.RedisAsync) ?? builder
    .AddRedis(ResourceNames.Cache, password: Secret("cache-password")).WithImageTag(RedisTag).WithoutHttpsCertificate().WithEndpointProxySupport(false)
    .OrNative();

var auth = Service<Projects.Kashif_Auth>(ResourceNames.Auth, ResourceNames.AuthDb)
    .WithReference(cache).WaitFor(cache)
    .WithEnvironment("Auth__Issuer", ReferenceExpression.Create($"{publicUrl}/api/v1/auth"))
    .WithEnvironment("Auth__Admin__Email", adminEmail)
    .WithEnvironment("Auth__Admin__Password", adminPassword)
    .WithEnvironment("Auth__SigningKeySecret", signingKeySecret)
    .WithEnvironment("Auth__OtherSigningKeySecret", otherSigningKeySecret)
    .WithValueCommand("show-admin-password", "Show the first admin's password", "Applies only when the account is created.",
        adminPassword.Resource.GetValueAsync)
    .WithProgramCommand("rotate-keys", "Rotate the signing keys", "Publishes a new key now and signs with it after 15 minutes.",
        "KeyReset", ["rotate-keys"])
    .WithProgramCommand("rotate-keys-emergency", "Revoke the signing keys", "For a leaked key. All access tokens expire within two minutes.",
        "KeyReset", ["rotate-keys", "emergency"], confirmation: "All access tokens expire within two minutes. Sessions stay. Revoke the keys?");

var reporting = Service<Projects.Kashif_Reporting>(ResourceNames.Reporting, ResourceNames.ReportingDb)
    .WithReference(auth).WaitFor(auth);

var gamification = Service<Projects.Kashif_Gamification>(ResourceNames.Gamification, ResourceNames.GamificationDb)
    .WithReference(cache).WaitFor(cache)
    .WithReference(auth).WaitFor(auth);

var coupons = Service<Projects.Kashif_Coupons>(ResourceNames.Coupons, ResourceNames.CouponsDb)
    .WithReference(auth).WaitFor(auth)
    .WithReference(gamification).WaitFor(gamification);
MayCallServices(coupons, Secret("coupons-secret"), ServiceScopes.DebitPoints);

var notifications = Service<Projects.Kashif_Notifications>(ResourceNames.Notifications, ResourceNames.NotificationsDb)
    .WithReference(auth).WaitFor(auth)
    .WithEnvironment("Firebase__CredentialsJson", firebaseCredentials)
    .WithEnvironment("Smtp__Host", smtpHost)
    .WithEnvironment("Smtp__Port", smtpPort)
    .WithEnvironment("Smtp__User", smtpUser)
    .WithEnvironment("Smtp__Password", smtpPassword)
    .WithEnvironment("Smtp__From", smtpFrom)
    .WithEnvironment("Links__App", appUrl)
    .WithEnvironment("Links__Gateway", publicUrl);
if (builder.ExecutionContext.IsRunMode)
{
    // Without smtp-host, e-mails are written to files.
    notifications.WithEnvironment("Smtp__PickupDirectory", RunData.For(builder).PathOf("mail"));
}

var gateway = builder.AddProject<Projects.Kashif_Gateway>(ResourceNames.Gateway)
    .WithHttpEndpoint(port: builder.ExecutionContext.IsRunMode ? gatewayPort : null, isProxied: false)
    .RunsBuiltProgram()
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health")
    .WithUrls(context => context.Name("/docs", "Documentation").Name("/health", "Health"))
    .WithEnvironment("ASPNETCORE_ENVIRONMENT", builder.Environment.EnvironmentName)
    .WithEnvironment("Gateway__TrustedProxies__0", trustedProxies)
    .WithReference(cache).WaitFor(cache)
    .WithReference(auth).WaitFor(auth)
    .WithReference(reporting).WaitFor(reporting)
    .WithReference(gamification).WaitFor(gamification)
    .WithReference(coupons).WaitFor(coupons)
    .WithReference(notifications).WaitFor(notifications);
MayCallServices(gateway, Secret("gateway-secret"), ServiceScopes.ExchangeApiKeys, ServiceScopes.ExportUsers);

builder.Build().Run();

// Each service has its own database and uses the broker.
IResourceBuilder<ProjectResource> Service<TProject>(string name, string databaseName) where TProject : IProjectMetadata, new()
{
    var database = builder.External(databaseName) ?? postgres.Value.AddDatabase(databaseName);
    database.WithValueCommand("connection-string", "Show the connection string", "For psql and other clients.", database.Resource.GetConnectionStringAsync);
    return builder.AddProject<TProject>(name)
        .WithHttpEndpoint(isProxied: false)
        .RunsBuiltProgram()
        .WithHttpHealthCheck("/health")
        .WithUrls(context => context.Name("/health", "Health").Name("/openapi/v1.json", "OpenAPI"))
        .WithServiceCommands()
        .WithEnvironment("ASPNETCORE_ENVIRONMENT", builder.Environment.EnvironmentName)
        .WithReference(database).WaitFor(database)
        .WithReference(messaging).WaitFor(messaging);
}

// The internal routes that the service may call, under a secret of its own.
void MayCallServices(IResourceBuilder<ProjectResource> client, IResourceBuilder<ParameterResource> secret, params string[] scopes)
{
    client.WithEnvironment("ServiceClient__ClientId", client.Resource.Name).WithEnvironment("ServiceClient__ClientSecret", secret);
    auth.WithEnvironment($"Auth__ServiceClients__{client.Resource.Name}__Secret", secret)
        .WithEnvironment($"Auth__ServiceClients__{client.Resource.Name}__Scopes", string.Join(' ', scopes));
}

IResourceBuilder<ParameterResource> Setting(string name, string value, bool secret = false) =>
    builder.AddParameter(name, () => builder.Configuration[$"Parameters:{name}"] ?? value, secret: secret);

IResourceBuilder<ParameterResource> Secret(string name) => builder.AddParameter(name, new KeptSecret(builder, name), secret: true);
