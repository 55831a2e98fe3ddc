using Kashif.Messaging.Events;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Messaging.Consumers;

/// <summary>Adds handlers to a service's consumer.</summary>
public sealed class EventConsumerBuilder
{
    private readonly IServiceCollection _services;

    internal EventConsumerBuilder(IServiceCollection services) => _services = services;

    /// <summary>Has <typeparamref name="THandler"/> called for every <typeparamref name="TEvent"/>.</summary>
    /// <param name="name">The handler's name in the inbox: it must not change, or events in flight take effect twice.</param>
    public EventConsumerBuilder AddHandler<TEvent, THandler>(string name)
        where TEvent : IIntegrationEvent
        where THandler : class, IEventHandler<TEvent>
    {
        _services.AddScoped<THandler>();
        _services.AddSingleton(HandlerRegistration.Create<TEvent, THandler>(name));
        return this;
    }
}
