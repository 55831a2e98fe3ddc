using Kashif;
using Kashif.Auth;
using Kashif.Auth.Accounts;
using Kashif.Auth.Admin;
using Kashif.Auth.ApiKeys;
using Kashif.Auth.Audit;
using Kashif.Auth.Customers;
using Kashif.Auth.Deletion;
using Kashif.Auth.EmailLinks;
using Kashif.Auth.Export;
using Kashif.Auth.Mfa;
using Kashif.Auth.Sessions;
using Kashif.Auth.Tokens;
using Kashif.Messaging.DeadLetters;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults(ResourceNames.Auth);
builder.AddAuth();

var app = builder.Build();
app.UseForwardedHeaders();
app.UseServiceDefaults();

var auth = app.MapGroup("/api/v1/auth");
auth.MapAccounts();
auth.MapProfile();
auth.MapEmailLinks();
auth.MapTokens();
auth.MapSessions();
auth.MapMfa();
auth.MapUsers();
auth.MapCustomers();
auth.MapAudit();
auth.MapDiscovery();
auth.MapKeys();
auth.MapDeletion();
auth.MapExport();
auth.MapApiKeys();
app.MapApiKeyExchange();
app.MapDeadLetters("/api/v1/auth", "Auth");

app.MapDefaultEndpoints();
return await app.RunServiceAsync(args);
