// The smallest application that uses everything; the tests run it in their process and, to kill it, in one of its own.
var builder = DistributedApplication.CreateBuilder(args);

var postgres = builder.AddPostgres("postgres").WithDataVolume();
var database = postgres.AddDatabase("sample-db");
var messaging = builder.AddRabbitMQ("messaging").WithManagementPlugin().WithDataVolume();
var cache = builder.AddRedis("cache");
var secret = builder.AddParameter("sample-secret", new GenerateParameterDefault { MinLength = 30, Special = false }, secret: true, persist: true);

var api = builder.AddProject<Projects.Kashif_LocalEngine_Tests_Web>("api")
    .WithHttpEndpoint()
    .WithHttpHealthCheck("/health")
    .WithReplicas(2)
    .WithReference(database).WaitFor(database)
    .WithReference(messaging).WaitFor(messaging)
    .WithReference(cache).WaitFor(cache)
    .WithEnvironment("Logging__LogLevel__Default", "Warning")
    .WithEnvironment("Sample__Secret", secret);

builder.AddProject<Projects.Kashif_LocalEngine_Tests_Web>("front")
    .WithHttpEndpoint(port: int.TryParse(builder.Configuration["front-port"], out var port) ? port : null)
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health")
    .WithEnvironment("Logging__LogLevel__Default", "Warning")
    .WithReference(api).WaitFor(api);

builder.Build().Run();
