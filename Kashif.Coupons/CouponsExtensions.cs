using Kashif.Coupons.Codes;
using Kashif.Coupons.Data;
using Kashif.Coupons.Partners;
using Kashif.Coupons.Points;
using Kashif.Coupons.Redemptions;
using Kashif.Coupons.Shop;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Events;
using Kashif.Security;

namespace Kashif.Coupons;

internal static class CouponsExtensions
{
    public static IHostApplicationBuilder AddCoupons(this IHostApplicationBuilder builder)
    {
        builder.AddKashifAuthentication();
        builder.AddKashifDbContext<CouponsDbContext>(ResourceNames.CouponsDb);
        builder.AddEventConsumer<CouponsDbContext>().AddHandler<UserDeleted, CouponsErasure>("erasure");

        var services = builder.Services;
        services.AddValidation();
        services.AddJsonContext(CouponsJson.Default);
        services.AddOptions<RedemptionOptions>()
            .BindConfiguration(RedemptionOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddHttpClient<PointsClient>(client => client.BaseAddress = new Uri($"https+http://{ResourceNames.Gamification}"))
            .AddServiceToken();
        services.AddScoped<CompanyAccess>();
        services.AddSingleton<CodeSigner>();
        services.AddScoped<RedemptionSaga>();
        services.AddSingleton<RedemptionMetrics>();
        services.AddHostedService<RedemptionRecovery>();
        services.AddScoped<OrderSaga>();
        services.AddSingleton<OrderMetrics>();
        services.AddHostedService<OrderRecovery>();
        return builder;
    }
}
