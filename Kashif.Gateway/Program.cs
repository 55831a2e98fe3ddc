using Kashif;
using Kashif.Gateway;
using Kashif.Gateway.Metrics;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(ResourceNames.Gateway);
builder.AddGateway();

var app = builder.Build();
app.UseCorrelationId();
app.UseApiMetrics();
app.UseMetricsAccess();
app.UseExceptionHandler();
app.UseStatusCodePages();
app.UseRouting();
app.UseOutputCache();
app.UseDocumentation();
app.MapProxy();
app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);
