using Kashif;
using Kashif.Messaging.Database;
using Kashif.NativeServers;
using Kashif.Publish;
using Kashif.Security;

const string PostgresImage = "postgis/postgis", PostgresTag = "17-3.5", RabbitMqTag = "4.2", RedisTag = "8.6";

StartErrors.ShowPlainly();
Ports.MoveDashboardOffTakenPorts();
var builder = DistributedApplication.CreateBuilder(args);
builder.CheckParameters();
Guardian.Watch(builder);
builder.KeepLogs();
builder.CheckHealthPatiently();
builder.ChooseServers($"docker.io/{PostgresImage}:{PostgresTag}", $"docker.io/library/rabbitmq:{RabbitMqTag}-management", $"docker.io/library/redis:{RedisTag}");

// Override with Parameters__admin-email=… or user secrets. Generated secrets are stored in .kashif/secrets.
var adminEmail = Setting("admin-email", "The e-mail address of the first admin.", "admin@kashif.local");
var adminPassword = Secret("admin-password", "The first admin's password. Applies only when the account is created.");
var signingKeySecret = Secret("signing-key-secret", "Encrypts the signing keys and second factors in the database.");
var otherSigningKeySecret = Setting("other-signing-key-secret", "The former signing-key-secret while it is being changed.", secret: true);
var firebaseCredentials = Setting("firebase-credentials", "The service account of Firebase as JSON. Without it, no pushes are sent.", secret: true);
var smtpHost = Setting("smtp-host", "The mail server. Without it, no e-mails are sent.");
var smtpPort = Setting("smtp-port", "The port of the mail server.", "587");
var smtpUser = Setting("smtp-user", "The user name at the mail server, if it asks for one.");
var smtpPassword = Setting("smtp-password", "The password at the mail server.", secret: true);
var smtpFrom = Setting("smtp-from", "The sender of e-mails.");
var smtpEnvelopeFrom = Setting("smtp-envelope-from", "The address that undeliverable e-mails are reported to. Without it, smtp-from.");
var assistantEndpoint = Setting("assistant-endpoint", "The base URL of an OpenAI-compatible API for open questions to the assistant.");
var assistantModel = Setting("assistant-model", "The model at assistant-endpoint.");
var assistantApiKey = Setting("assistant-api-key", "The key of assistant-endpoint.", secret: true);
var s3Endpoint = Setting("s3-endpoint", "The URL of a server that speaks S3, for photos. Without it and s3-bucket, photos are stored in PostgreSQL.");
var s3Bucket = Setting("s3-bucket", "The bucket for photos.");
var s3Region = Setting("s3-region", "The region of s3-bucket.");
var s3AccessKey = Setting("s3-access-key", "The key that may read, write and delete objects of s3-bucket.");
var s3SecretKey = Setting("s3-secret-key", "The secret of s3-access-key.", secret: true);
var mapTileUrl = Setting("map-tile-url", "The tiles of the map page's background, with {z}, {x} and {y}. Empty for no background.", "https://tile.openstreetmap.org/{z}/{x}/{y}.png");
var mapAttribution = Setting("map-attribution", "Who made the tiles, for the map page.", "© OpenStreetMap contributors");
var mapAttributionUrl = Setting("map-attribution-url", "What the name of the tiles' makers links to.", "https://www.openstreetmap.org/copyright");
var webhookSealingSecret = Setting("webhook-sealing-secret", "Encrypts the secrets of webhooks in the database. Without it, the password of PostgreSQL does.", secret: true);
var appUrl = Setting("app-url", "The URL of the app, for links in e-mails.");
var trustedProxies = Setting("trusted-proxies", "The addresses or networks of the proxies in front of the gateway, such as 10.0.0.0/8.");
var otlpEndpoint = Setting("otlp-endpoint", "The OpenTelemetry collector that receives traces, metrics and logs.");
var gatewayPort = builder.ForGateway();
var publicUrl = Setting("public-url", "The public URL of the gateway: the issuer of tokens and the base of links in e-mails.", $"http://localhost:{gatewayPort}");

// A server with a ConnectionStrings__<name> is external. The others are containers or local processes.
var postgres = new Lazy<IResourceBuilder<PostgresServerResource>>(() => builder
    .AddPostgres(ResourceNames.Postgres, password: Secret("postgres-password", "The password of PostgreSQL's user postgres.")).WithImage(PostgresImage, PostgresTag).WithDataVolume(builder.VolumeOf(ResourceNames.Postgres)).WithEndpointProxySupport(false)
    .WithArgs("-c", $"max_connections={DatabaseConnections.ServerLimit}", "-c", "shared_buffers=256MB", "-c", "max_wal_size=2GB")
    .WithArgs("-c", "log_error_verbosity=terse") // without the values of a violated constraint, such as an address
    .OrNative());
var messaging = builder.External(ResourceNames.Messaging)?.WithConnectionCheck(ConnectionChecks.RabbitMqAsync) ?? builder
    .AddRabbitMQ(ResourceNames.Messaging, password: Secret("messaging-password", "The password of RabbitMQ's user guest.")).WithImageTag(RabbitMqTag).WithManagementPlugin().WithDataVolume(builder.VolumeOf(ResourceNames.Messaging)).WithEndpointProxySupport(false)
    .WithBindMount("rabbitmq.conf", "/etc/rabbitmq/conf.d/20-kashif.conf", isReadOnly: true)
    .WithUrlForEndpoint("management", url => url.DisplayText = "RabbitMQ management")
    .OrNative("rabbitmq.conf");
var cache = builder.External(ResourceNames.Cache)?.WithConnectionCheck(ConnectionChecks.RedisAsync) ?? builder
    .AddRedis(ResourceNames.Cache, password: Secret("cache-password", "The password of Redis.")).WithImageTag(RedisTag).WithDataVolume(builder.VolumeOf(ResourceNames.Cache)).WithoutHttpsCertificate().WithEndpointProxySupport(false)
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
    .WithReference(auth).WaitFor(auth)
    .WithEnvironment("Photos__S3__Endpoint", s3Endpoint)
    .WithEnvironment("Photos__S3__Bucket", s3Bucket)
    .WithEnvironment("Photos__S3__Region", s3Region)
    .WithEnvironment("Photos__S3__AccessKey", s3AccessKey)
    .WithEnvironment("Photos__S3__SecretKey", s3SecretKey)
    .WithEnvironment("Webhooks__SealingSecret", webhookSealingSecret);

var gamification = Service<Projects.Kashif_Gamification>(ResourceNames.Gamification, ResourceNames.GamificationDb)
    .WithProgramCommand("verify-ledger", "Verify the ledger", "Recomputes the hash of every entry and the sum of every balance.", "ShieldCheckmark", ["verify-ledger"])
    .WithReference(cache).WaitFor(cache)
    .WithReference(auth).WaitFor(auth);

var coupons = Service<Projects.Kashif_Coupons>(ResourceNames.Coupons, ResourceNames.CouponsDb)
    .WithReference(auth).WaitFor(auth)
    .WithReference(gamification).WaitFor(gamification);
MayCallServices(coupons, Secret("coupons-secret", "Coupons signs in to the other services with it."), ServiceScopes.DebitPoints);

var notifications = Service<Projects.Kashif_Notifications>(ResourceNames.Notifications, ResourceNames.NotificationsDb)
    .WithReference(auth).WaitFor(auth)
    .WithReference(reporting).WithReference(gamification).WithReference(coupons) // the assistant reads them, and does without
    .WithEnvironment("Firebase__CredentialsJson", firebaseCredentials)
    .WithEnvironment("Smtp__Host", smtpHost)
    .WithEnvironment("Smtp__Port", smtpPort)
    .WithEnvironment("Smtp__User", smtpUser)
    .WithEnvironment("Smtp__Password", smtpPassword)
    .WithEnvironment("Smtp__From", smtpFrom)
    .WithEnvironment("Smtp__EnvelopeFrom", smtpEnvelopeFrom)
    .WithEnvironment("Assistant__Endpoint", assistantEndpoint)
    .WithEnvironment("Assistant__Model", assistantModel)
    .WithEnvironment("Assistant__ApiKey", assistantApiKey)
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
    .WithProbes()
    .WithUrls(context => context.Name("/docs", "Documentation").Name("/health", "Health"))
    .WithDeploymentSettings(otlpEndpoint)
    .WithEnvironment("Gateway__TrustedProxies__0", trustedProxies)
    .WithEnvironment("Map__TileUrl", mapTileUrl)
    .WithEnvironment("Map__Attribution", mapAttribution)
    .WithEnvironment("Map__AttributionUrl", mapAttributionUrl)
    .WithReference(cache).WaitFor(cache)
    .WithReference(auth).WaitFor(auth)
    .WithReference(reporting).WaitFor(reporting)
    .WithReference(gamification).WaitFor(gamification)
    .WithReference(coupons).WaitFor(coupons)
    .WithReference(notifications).WaitFor(notifications);
MayCallServices(gateway, Secret("gateway-secret", "The gateway signs in to the services with it."), ServiceScopes.ExchangeApiKeys, ServiceScopes.ExportUsers);

builder.AddPublishTargets();
builder.Build().Run();

// Each service has its own database and uses the broker.
IResourceBuilder<ProjectResource> Service<TProject>(string name, string databaseName) where TProject : IProjectMetadata, new()
{
    var database = builder.External(databaseName) ?? postgres.Value.AddDatabase(databaseName);
    database.WithValueCommand("connection-string", "Show the connection string", "For psql and other clients.", database.Resource.GetConnectionStringAsync);
    return builder.AddProject<TProject>(name)
        .WithHttpEndpoint(isProxied: false)
        .WithDatabasePool()
        .RunsBuiltProgram()
        .WithProbes()
        .WithUrls(context => context.Name("/health", "Health").Name("/openapi/v1.json", "OpenAPI"))
        .WithServiceCommands()
        .WithDeploymentSettings(otlpEndpoint)
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

IResourceBuilder<ParameterResource> Setting(string name, string description, string value = "", bool secret = false) =>
    builder.AddParameter(name, () => builder.Configuration[$"Parameters:{name}"] ?? value, secret: secret).WithDescription(description);

IResourceBuilder<ParameterResource> Secret(string name, string description) =>
    builder.AddParameter(name, new KeptSecret(builder, name), secret: true).WithDescription(description);
