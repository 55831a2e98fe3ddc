using Kashif;
using Kashif.Gateway;
using Kashif.Gateway.Limits;
using Kashif.Gateway.Metrics;
using Kashif.Gateway.Perimeter;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(ResourceNames.Gateway);
builder.AddGateway();

var app = builder.Build();
app.UseCorrelationId();
app.UseApiMetrics();
app.UseMetricsAccess();
app.UseTrustedProxies();
app.UseExceptionHandler();
app.UseStatusCodePages();
app.UseRouting();
app.UseAuthentication();
app.UseRateLimits();
app.UseTokenCheck();
app.UseAuthorization();
app.UseOutputCache();
app.UseDocumentation();
app.MapProxy();
app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);
