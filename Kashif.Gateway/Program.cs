using Kashif;
using Kashif.Gateway;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(ResourceNames.Gateway);
builder.AddGateway();

var app = builder.Build();
app.UseCorrelationId();
app.UseExceptionHandler();
app.UseStatusCodePages();
app.UseRouting();
app.UseOutputCache();
app.UseDocumentation();
app.MapProxy();
app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);
