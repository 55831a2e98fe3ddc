// A service as small as it can be: it shows what it was started with, and ends when it is told to.
using System.Collections;

var builder = WebApplication.CreateBuilder(args);
var app = builder.Build();
var unhealthy = app.Configuration.GetValue("StartUnhealthy", false);

app.MapGet("/health", () => unhealthy ? Results.StatusCode(503) : Results.Ok());
app.MapPost("/recover", () => unhealthy = false);
app.MapGet("/environment", () => Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(e => (string)e.Key, e => (string?)e.Value));
app.MapGet("/pid", () => Environment.ProcessId);
app.MapPost("/crash", () =>
{
    Console.Error.WriteLine("the last words");
    Environment.Exit(7);
});

app.Run();
